import { homedir } from 'node:os';
import { join } from 'node:path';

import { actionDefaults, type ActionSettings } from '../actions/builtin.ts';
import type { Config } from '../config/schema.ts';
import { defaultPolicy } from '../core/policy.ts';
import { unixPath } from '../core/unix-path.ts';
import { isLoopback } from '../interfaces/access/access.ts';
import type { HttpOptions } from '../interfaces/http/server.ts';
import { httpDefaults, type HttpSettings } from '../interfaces/http/settings.ts';
import type { ThriftOptions } from '../interfaces/thrift/server.ts';
import { thriftDefaults } from '../interfaces/thrift/settings.ts';
import type { SchedulerSettings } from '../scheduler/scheduler.ts';
import type { AnyStoreOptions } from '../stores/open.ts';

// The settings of the whole server, as each of its rooms wants them.

/** What opens a store, but for what it shares with the rest of the server. */
export type StoreSettings = Omit<
  AnyStoreOptions,
  'clock' | 'log' | 'counters' | 'commitTimes' | 'random' | 'onFatal'
>;

export function storeSettings({ store, scheduler }: Config): StoreSettings {
  const { directory, sync, statusKeepSeconds, failuresKept, reserveBytes, redis } = store;
  const { maxUnfinished, misfireThresholdSeconds } = scheduler;
  return {
    directory,
    sync,
    statusKeepSeconds,
    failuresKept,
    reserveBytes,
    redis,
    policy: { ...defaultPolicy, maxUnfinished, misfireThresholdSeconds },
    forsunDump: join(homedir(), '.forsun.dump'),
  };
}

export function actionSettings({ action, thrift, http }: Config): ActionSettings {
  const { shell } = action;
  const isLocal =
    isOfThisMachine(thrift.bind) && (http.bind === undefined || isOfThisMachine(http.bind.host));
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

export function schedulerSettings({ action, plans, scheduler }: Config): SchedulerSettings {
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
    isAgent: scheduler.mode === 'agent',
  };
}

export function thriftOptions({ thrift }: Config): ThriftOptions {
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
export function httpOptions({ http }: Config): (HttpOptions & HttpSettings) | undefined {
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
