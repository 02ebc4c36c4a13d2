import { Cluster, Redis, type RedisOptions } from 'ioredis';

import type { Clock } from '../../core/time.ts';
import type { Credentials } from './credentials.ts';
import { QuietSentinelConnector } from './sentinel-connector.ts';
import type { RedisSettings } from './settings.ts';

export type RedisClient = Redis | Cluster;

/** Milliseconds until the next attempt to connect, of which this one is the nth; null: there is none. */
export type Retry = (attempt: number) => number | null;

const connectTimeoutMs = 5_000;
/** Where one of several may answer in place of another. */
const connectTimeoutOfManyMs = 1_500;
/**
 * A connection on which nothing comes for so long while an answer is awaited is dead: where packets vanish,
 * the system itself gives it up after a quarter of an hour.
 */
const silenceMs = 5_000;
const keepAliveMs = 10_000;
const slotsRefreshMs = 5_000;
/** Between two new connections for what a replica has refused: meanwhile it can be read. */
const replicaMs = 1_000;

/**
 * A client of that Redis, not yet connected. While Redis is away, commands fail at once, and those under
 * way when the connection was lost fail then, their outcome unknown: none is kept and none is sent twice,
 * for only who sent it knows whether it may be.
 */
export function redisClient(
  settings: RedisSettings,
  credentials: Credentials,
  retry: Retry,
  clock: Clock,
): RedisClient {
  const { servers, db } = settings;
  const options = optionsOf(settings, credentials, clock);
  switch (servers.kind) {
    case 'one':
      return inItsDatabase(new Redis({ ...options, ...servers.address, db, retryStrategy: retry }));
    case 'sentinels':
      return inItsDatabase(
        new Redis({
          ...options,
          db,
          retryStrategy: retry,
          connectTimeout: connectTimeoutOfManyMs,
          Connector: QuietSentinelConnector,
          sentinels: servers.addresses.map(({ host, port }) => ({ host, port })),
          name: servers.master,
          sentinelUsername: servers.username || undefined,
          sentinelPassword: credentials.sentinelPassword || undefined,
          sentinelCommandTimeout: connectTimeoutOfManyMs,
          sentinelRetryStrategy: retry,
          enableTLSForSentinelMode: credentials.tls !== undefined,
          sentinelTLS: credentials.tls,
          failoverDetector: true,
        }),
      );
    case 'cluster':
      return new Cluster(
        servers.addresses.map(({ host, port }) => ({ host, port })),
        {
          lazyConnect: true,
          enableOfflineQueue: false,
          clusterRetryStrategy: retry,
          retryDelayOnFailover: 0, // no, it would send again what may have been done
          retryDelayOnClusterDown: 0,
          slotsRefreshInterval: slotsRefreshMs,
          slotsRefreshTimeout: connectTimeoutOfManyMs,
          // A node is to be known by its name, which its certificate has, and not by its address.
          dnsLookup: (name, callback) => callback(null, name),
          redisOptions: { ...options, connectTimeout: connectTimeoutOfManyMs },
        },
      );
    default:
      return servers satisfies never;
  }
}

/** Where its database cannot be had, ioredis would go on in database 0, which is somebody else's. */
function inItsDatabase(client: Redis): Redis {
  return client.on('error', (error: Error & { command?: { name: string } }) => {
    if (error.command?.name === 'select') client.disconnect(true);
  });
}

function optionsOf({ username }: RedisSettings, { password, tls }: Credentials, clock: Clock) {
  let leftReplicaMs = -Infinity;
  return {
    lazyConnect: true,
    connectionName: 'forsun',
    disableClientInfo: true,
    protocol: 2,
    username: username || undefined,
    password: password || undefined,
    tls,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0, // with any other number, what was under way would never be answered
    connectTimeout: connectTimeoutMs,
    socketTimeout: silenceMs,
    keepAlive: keepAliveMs,
    noDelay: true,
    disconnectTimeout: 500,
    // After a failover behind one name, what answers there is a replica now.
    reconnectOnError: (error: Error) => {
      const nowMs = clock.monotonicMs();
      if (!/\bREADONLY\b/.test(error.message) || nowMs - leftReplicaMs < replicaMs) return false;
      leftReplicaMs = nowMs;
      return true;
    },
  } as const satisfies RedisOptions;
}
