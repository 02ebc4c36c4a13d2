import { homedir } from 'node:os';
import { join } from 'node:path';

import { ActionRegistry } from './actions/action.ts';
import { type Dial, dialer } from './actions/dial.ts';
import { Egress } from './actions/egress.ts';
import { nameDefaults, Names } from './actions/names.ts';
import { Secrets } from './actions/secrets.ts';
import { withSecrets } from './actions/with-secrets.ts';
import { actionDefaults, type ActionSettings, builtinActions } from './actions/builtin.ts';
import { limitsOf } from './config/limits.ts';
import type { Config } from './config/schema.ts';
import { fireId } from './core/firing.ts';
import type { Log } from './core/log.ts';
import { defaultPolicy } from './core/policy.ts';
import type { Clock } from './core/time.ts';
import { unixPath } from './core/unix-path.ts';
import { isLoopback } from './interfaces/access/access.ts';
import { addToken } from './interfaces/access/add-token.ts';
import { openAccess } from './interfaces/access/open.ts';
import { bearers } from './interfaces/http/bearer.ts';
import { type Ops, opsRoutes } from './interfaces/http/ops.ts';
import { type HttpOptions, listenHttp } from './interfaces/http/server.ts';
import { httpDefaults, type HttpSettings } from './interfaces/http/settings.ts';
import { v1Routes } from './interfaces/http/v1/routes.ts';
import { v2Routes } from './interfaces/http/v2/routes.ts';
import { listenThrift, type ThriftOptions } from './interfaces/thrift/server.ts';
import { thriftDefaults } from './interfaces/thrift/settings.ts';
import { Extensions } from './extensions/extensions.ts';
import { Counters } from './metrics/counters.ts';
import { Exposition } from './metrics/exposition.ts';
import { type InfoFacts, infoOf } from './metrics/info.ts';
import { LoopLag } from './metrics/loop-lag.ts';
import { Measures } from './metrics/measures.ts';
import { type MetricSources, metricsOf } from './metrics/metrics.ts';
import { type Readiness, readinessOf } from './metrics/readiness.ts';
import { Closers } from './runtime/closers.ts';
import { guests, keepGuestsFromExiting } from './runtime/guests.ts';
import { offerModule } from './runtime/own-module.ts';
import { systemClock } from './runtime/system-clock.ts';
import { forsunVersion, installation } from './runtime/version.ts';
import { Scheduler, type SchedulerSettings } from './scheduler/scheduler.ts';
import { checkAndRepair } from './stores/check.ts';
import { builtinDrivers, openStore, type StoreOptions } from './stores/open.ts';
import type { Store } from './stores/store.ts';

/** A running server. */
export interface App {
  /** Where it listens, as host:port. */
  readonly address: string;
  /** Where the HTTP bridge does, if there is one. */
  readonly httpAddress: string | undefined;
  /** Reads files that it watches, such as that of tokens, if they have changed. */
  reread(): Promise<void>;
  close(): Promise<void>;
}

export interface AppDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** The whole server, inside out: store, clockwork, doors. Closing goes the other way. */
export async function startApp(config: Config, { clock, log }: AppDeps): Promise<App> {
  const counters = new Counters();
  const measures = new Measures();
  const startTime = clock.now();
  const entry = await openAccess(config.access, { clock, counters, log });
  let address = '';
  let httpAddress: string | undefined;
  const closers = await Closers.opening(async (closers) => {
    closers.add(() => entry.close());
    const egress = new Egress(config.egress);
    const dial = openDial(config, clock, egress, closers);
    const environment = process.env;
    const builtin = builtinActions(actionSettings(config), {
      ...{ clock, log, dial, egress, version: forsunVersion(), environment },
    });
    const extensions = openExtensions(config, { clock, log, dial }, closers);
    await extensions.register({
      actions: builtin.map(({ name }) => name),
      drivers: [...builtinDrivers.keys()],
    });

    const { driver } = config.store;
    const store = await openStore(
      driver,
      storeOptions(config, { clock, log, counters, measures }),
      extensions.drivers,
    );
    closers.add(() => store.close());
    tellRecovery(store, counters, log);
    await extensions.start(driver);

    const secrets = new Secrets(config.secrets, environment);
    const actions = new ActionRegistry(
      [...builtin, ...extensions.actions].map((action) =>
        'disabledBecause' in action ? action : withSecrets(action, secrets),
      ),
    );
    closers.add(() => actions.close());
    const scheduler = new Scheduler(
      { clock, store, actions, counters, measures, log },
      schedulerSettings(config),
    );
    closers.add(() => scheduler.drain(config.scheduler.stopGraceSeconds * 1000));

    const limits = limitsOf(config);
    const facts = (): InfoFacts => ({
      version: forsunVersion(),
      startTime,
      currentTime: store.now(),
      stores: [...builtinDrivers.keys(), ...extensions.drivers.keys()],
      currentStore: driver,
      actions: actions.names(),
      bindAddress: address,
      httpBindAddress: httpAddress ?? '',
      extensions: extensions.names,
      planCount: store.planCount(),
      load: scheduler.load(),
      limits,
    });
    const info = (): ReadonlyMap<string, string> => infoOf(facts(), counters);
    const { access, tls } = entry;
    const door = { plans: scheduler, info, counters, clock, log, access, tls };
    const thrift = await listenThrift(thriftOptions(config), door);
    closers.add(() => thrift.close());
    egress.closeOwnPort(thrift.address.port);
    address = hostPort(thrift.address);
    const bridge = httpOptions(config);
    if (bridge !== undefined) {
      const loopLag = new LoopLag(clock, measures.loopLag);
      loopLag.start();
      closers.add(() => loopLag.stop());
      const ops = opsOf(config, { store, scheduler, loopLag, counters, measures, facts });
      const routes = [v1Routes(bridge), v2Routes(bridge), opsRoutes(ops)];
      const http = await listenHttp(bridge, {
        ...door,
        callerOf: bearers(access),
        routes,
      });
      closers.add(() => http.close());
      egress.closeOwnPort(http.address.port);
      httpAddress = hostPort(http.address);
    }
    scheduler.start();
  });
  const reread = (): Promise<void> => entry.check();
  return { address, httpAddress, reread, close: () => closers.close() };
}

/** Reads all of a store that no server has open, and tells what it finds; false: it is damaged. */
export async function checkStore(
  { store: { driver, directory } }: Config,
  options: { readonly repair: boolean; readonly print: (line: string) => void },
): Promise<boolean> {
  if (driver !== 'mem')
    throw new Error(`the store ${driver} has no check; forsund's own, mem, has`);
  return checkAndRepair({ ...options, directory, nowMs: systemClock.nowMs() });
}

/** Adds a token to the token file, and resolves to it. */
export const makeToken = ({ access }: Config, words: readonly string[]): Promise<string> =>
  addToken(access.tokenFile, words);

/** How all actions reach their targets. */
function openDial({ action }: Config, clock: Clock, egress: Egress, closers: Closers): Dial {
  const { nameServers } = action;
  const names = new Names(clock, {
    ...nameDefaults,
    ...(nameServers.length > 0 ? { nameServers } : {}),
  });
  closers.add(async () => names.close());
  return dialer(clock, names, egress);
}

/** Extensions, none of them loaded yet; the process is made ready for them only where there are some. */
function openExtensions(
  config: Config,
  { clock, log, dial }: AppDeps & { readonly dial: Dial },
  closers: Closers,
): Extensions {
  const { extension, extensionSections: sections } = config;
  const { names, stepTimeoutSeconds: timeoutSeconds } = extension;
  const extensions = new Extensions(
    { ...extension, sections, installation: installation() },
    {
      ...{ clock, log, dial, guests, timeoutSeconds },
      importModule: async (url) => (await import(url)) as object,
    },
  );
  closers.add(() => extensions.stop());
  if (names.length > 0) {
    keepGuestsFromExiting();
    offerModule('forsun/extension', new URL('extension.js', import.meta.url).href);
  }
  return extensions;
}

/** What those who run the server are told of it. */
function opsOf(
  { http }: Config,
  {
    store,
    scheduler,
    loopLag,
    ...sources
  }: Omit<MetricSources, 'readiness'> & {
    readonly store: Store;
    readonly scheduler: Scheduler;
    readonly loopLag: LoopLag;
  },
): Ops {
  const readiness = (): Readiness =>
    readinessOf(
      {
        storeTrouble: store.trouble?.(),
        ...scheduler.pulse(),
        loopLagSeconds: loopLag.recentSeconds(),
      },
      http.readyMaxLagSeconds,
    );
  return { metrics: new Exposition(metricsOf({ ...sources, readiness })), readiness };
}

function storeOptions(
  config: Config,
  {
    clock,
    log,
    counters,
    measures,
  }: AppDeps & { readonly counters: Counters; readonly measures: Measures },
): StoreOptions {
  const { directory, sync, statusKeepSeconds, failuresKept, reserveBytes } = config.store;
  const { maxUnfinished, misfireThresholdSeconds } = config.scheduler;
  return {
    directory,
    sync,
    statusKeepSeconds,
    failuresKept,
    reserveBytes,
    policy: { ...defaultPolicy, maxUnfinished, misfireThresholdSeconds },
    forsunDump: join(homedir(), '.forsun.dump'),
    clock,
    log,
    counters,
    commitTimes: measures.commit,
    random: Math.random,
    // As any bug: the process ends, told and not zero, and the next start recovers.
    onFatal: (error) =>
      setImmediate(() => {
        throw error;
      }),
  };
}

function actionSettings({ action, thrift, http }: Config): ActionSettings {
  const { shell } = action;
  const isLocal =
    isOfThisMachine(thrift.bind) && (http.bind === undefined || isLoopback(http.bind.host));
  const isShellLocal = shell.allow === 'auto' && isLocal;
  const isShellGiven = shell.allow === 'yes' || isShellLocal;
  return {
    ...actionDefaults,
    shellLeave: isShellGiven ? 'given' : shell.allow === 'no' ? 'forbidden' : 'exposed',
    shell,
    http: { ...actionDefaults.http, ...action.http },
    redis: { ...actionDefaults.redis, ...action.redis },
    thrift: { ...actionDefaults.thrift, ...action.thrift },
    beanstalk: { ...actionDefaults.beanstalk, ...action.beanstalk },
    mysql: { ...actionDefaults.mysql, ...action.mysql },
  };
}

/** True for a listener that nobody beyond this machine reaches. */
const isOfThisMachine = (bind: string): boolean => isLoopback(bind) || unixPath(bind) !== undefined;

function schedulerSettings({ action, plans, scheduler }: Config): SchedulerSettings {
  const { maxCount: retries, delaySeconds, delayRate: rate } = action.retry;
  return {
    timezone: scheduler.timezone,
    planLimits: {
      keyBytes: plans.maxKeyBytes,
      params: plans.maxParams,
      paramNameBytes: plans.maxParamNameBytes,
      paramValueBytes: plans.maxParamValueBytes,
      paramsBytes: plans.maxParamsBytes,
    },
    maxKeysListed: plans.maxListedKeys,
    maxPlansListed: plans.maxListedPlans,
    dispatch: {
      runs: action.maxRuns,
      held: action.maxHeld,
      queuedPerOrigin: action.maxQueuedPerOrigin,
    },
    retry: { retries, delaySeconds, rate },
    claimSize: 1_024,
    lateAfterSeconds: 2,
    catchUpPerSecond: scheduler.catchUpPerSecond,
  };
}

function thriftOptions({ thrift }: Config): ThriftOptions {
  return {
    host: thrift.bind,
    port: thrift.port,
    wire: {
      ...thriftDefaults.wire,
      messageBytes: thrift.maxMessageBytes,
      stringBytes: thrift.maxStringBytes,
      containerSize: thrift.maxContainerSize,
      depth: thrift.maxDepth,
    },
    connections: thrift.maxConnections,
    connectionsPerAddress: thrift.maxConnectionsPerPeer,
    callsInFlight: thrift.maxInFlight,
    replyBytes: thrift.maxReplyBytes,
    heldBytes: thrift.maxHeldBytes,
    messageTimeoutMs: thrift.messageTimeoutSeconds * 1000,
    sendTimeoutMs: thrift.writeTimeoutSeconds * 1000,
  };
}

/** Undefined: there is to be no bridge. */
function httpOptions({ http }: Config): (HttpOptions & HttpSettings) | undefined {
  if (http.bind === undefined) return undefined;
  return {
    ...httpDefaults,
    ...http.bind,
    hosts: http.hosts,
    origins: http.origins,
    connections: http.maxConnections,
    connectionsPerAddress: http.maxConnectionsPerPeer,
    headerBytes: http.maxHeaderBytes,
    bodyBytes: http.maxBodyBytes,
    replyBytes: http.maxReplyBytes,
    heldBytes: http.maxHeldBytes,
    headerTimeoutMs: http.headerTimeoutSeconds * 1000,
    requestTimeoutMs: http.requestTimeoutSeconds * 1000,
    idleTimeoutMs: http.idleTimeoutSeconds * 1000,
    sendTimeoutMs: http.writeTimeoutSeconds * 1000,
  };
}

function tellRecovery({ recovery }: Store, counters: Counters, log: Log): void {
  const { reclaimed, givenUp } = recovery;
  if (reclaimed > 0) log.warn('firings_reclaimed', { reclaimed });
  counters.add('given_up_count', givenUp.length);
  for (const firing of givenUp) {
    log.error('firing_given_up', { fireId: fireId(firing), crashes: firing.crashes });
  }
}

const hostPort = ({ address, port }: { address: string; port: number }): string =>
  unixPath(address) !== undefined
    ? address
    : address.includes(':')
      ? `[${address}]:${port}`
      : `${address}:${port}`;
