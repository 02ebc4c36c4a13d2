import { ActionRegistry } from './actions/action.ts';
import { builtinActions } from './actions/builtin.ts';
import { type Dial, dialer } from './actions/dial.ts';
import { Egress } from './actions/egress.ts';
import { nameDefaults, Names } from './actions/names.ts';
import { Secrets } from './actions/secrets.ts';
import { withSecrets } from './actions/with-secrets.ts';
import { openBridge } from './app/http-bridge.ts';
import {
  actionSettings,
  schedulerSettings,
  storeSettings,
  thriftOptions,
} from './app/room-settings.ts';
import { limitsOf } from './config/limits.ts';
import type { Config } from './config/schema.ts';
import { fireId } from './core/firing.ts';
import type { Log } from './core/log.ts';
import type { Clock } from './core/time.ts';
import { unixPath } from './core/unix-path.ts';
import { Extensions } from './extensions/extensions.ts';
import { addToken } from './interfaces/access/add-token.ts';
import { openAccess } from './interfaces/access/open.ts';
import { listenThrift } from './interfaces/thrift/server.ts';
import { Counters } from './metrics/counters.ts';
import { type InfoFacts, infoOf } from './metrics/info.ts';
import { Measures } from './metrics/measures.ts';
import { Closers } from './runtime/closers.ts';
import { guests, keepGuestsFromExiting } from './runtime/guests.ts';
import { offerModule } from './runtime/own-module.ts';
import { systemClock } from './runtime/system-clock.ts';
import { forsunVersion, installation } from './runtime/version.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { checkAndRepair } from './stores/check.ts';
import { builtinDrivers, openStore } from './stores/open.ts';
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

/** The whole server, inside out: actions, store, clockwork, doors. Closing goes the other way. */
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
    const storeOptions = {
      ...storeSettings(config),
      ...{ clock, log, counters, commitTimes: measures.commit, random: Math.random },
      onFatal: endAsBugsDo,
    };
    const store = await openStore(driver, storeOptions, extensions.drivers);
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
      { clock: store.clock ?? clock, store, actions, counters, measures, log },
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
    const bridge = await openBridge(
      config,
      { ...door, store, scheduler, measures, facts },
      closers,
    );
    if (bridge !== undefined) {
      egress.closeOwnPort(bridge.port);
      httpAddress = hostPort(bridge);
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

/** As any bug: the process ends, told and not zero, and the next start recovers. */
const endAsBugsDo = (error: unknown): void =>
  void setImmediate(() => {
    throw error;
  });

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
