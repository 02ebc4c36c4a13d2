import { crc32 } from 'node:zlib';

import type { Cluster, Redis } from 'ioredis';

import type { Log } from '../../core/log.ts';
import { failuresKeptDefault } from '../../core/failure.ts';
import { quote } from '../../core/errors.ts';
import { fireId } from '../../core/firing.ts';
import { defaultPolicy, type Policy } from '../../core/policy.ts';
import type { Clock } from '../../core/time.ts';
import type { Buckets } from '../../metrics/buckets.ts';
import { Counters } from '../../metrics/counters.ts';
import type { UnreadableRecord } from '../record.ts';
import { Unclaimable } from '../unclaimable.ts';
import { partitionBase } from './keys.ts';
import { RedisPartition } from './partition.ts';
import { RedisClock } from './redis-clock.ts';
import { RedisStore } from './redis-store.ts';
import { ScriptRunner } from './script-runner.ts';
import { Session } from './session.ts';
import { Sessions } from './sessions.ts';

/** The Redis of a store, connected and found fit for it; see connection.ts. */
export interface StoreRedis {
  readonly client: Redis | Cluster;
  readonly prefix: string;
  readonly serverId: number;
  /** Hash slots among which plans are divided. */
  readonly partitions: number;
  /** Called when a lease was lost: its session may be gone with all else. */
  readonly lookAgain?: () => Promise<void>;
  /** Called once the store is closed. */
  readonly close?: () => Promise<void>;
}

export interface RedisStoreOptions {
  readonly redis: StoreRedis;
  /** Of this machine, for its monotonic time. */
  readonly clock: Clock;
  /** That by which due times are judged; Redis's, unless told. */
  readonly dueClock?: Clock;
  readonly log: Log;
  readonly counters?: Counters;
  readonly statusKeepSeconds: number;
  readonly failuresKept?: number;
  /** Told how long each write took, in seconds. */
  readonly commitTimes?: Buckets;
  readonly policy?: Policy;
  /** From 0 to 1, exclusive. */
  readonly random: () => number;
  readonly leaseSeconds: number;
  /** A change or an answer that takes longer is refused. */
  readonly patienceMs?: number;
}

/** What a RedisStore works with. */
export interface RedisStoreParts {
  readonly clock: Clock;
  /** That by which due times are judged. */
  readonly dueClock: Clock;
  readonly runner: ScriptRunner;
  readonly partitions: readonly RedisPartition[];
  readonly partitionOf: (key: string) => RedisPartition;
  readonly policy: Policy;
  readonly statusKeepSeconds: number;
  readonly failuresKept: number;
  readonly random: () => number;
  readonly onUnclaimable: (key: string, error: unknown) => void;
  readonly onUnreadable: (error: UnreadableRecord) => void;
  readonly onUnreadableFailure: (number: number, reason: string) => void;
  readonly onFailing: (partition: RedisPartition, error: unknown) => void;
  readonly onDamaged: (partition: RedisPartition, error: unknown) => void;
  readonly onAnswering: (partition: RedisPartition) => void;
  readonly close: () => Promise<void>;
}

const patienceDefaultMs = 4_500;
const answerMs = 2_000;

/** Opens the store over a connected Redis, and takes over what dead nodes have left behind. */
export async function openRedisStore(options: RedisStoreOptions): Promise<RedisStore> {
  const { redis, clock, log, failuresKept = failuresKeptDefault } = options;
  const { policy = defaultPolicy, counters = new Counters() } = options;
  const redisClock = new RedisClock(clock);
  const runner = new ScriptRunner({
    client: redis.client,
    clock,
    answerMs,
    onTime: (micros) => redisClock.observe(micros),
  });
  const indexes = Array.from({ length: redis.partitions }, (_, index) => index);
  const bases = indexes.map((index) => partitionBase(redis.prefix, redis.serverId, index));
  let lookingAfter: Promise<void> | undefined;
  const { leaseSeconds } = options;
  let looking: Promise<void> | undefined;
  // Once, though leases in several partitions are found lost together.
  const onLost = (): void => {
    looking ??= redis.lookAgain?.().finally(() => (looking = undefined));
  };
  const sessions = bases.map(
    (base, partition) => new Session({ partition, base, runner, log, leaseSeconds, onLost }),
  );
  const leases = new Sessions({
    ...{ sessions, clock, log, leaseSeconds },
    onRenewed: () => {
      lookingAfter ??= lookAfter(store, counters, log).finally(() => (lookingAfter = undefined));
    },
  });
  const partitions: readonly RedisPartition[] = sessions.map((session, index) => {
    const partition: RedisPartition = new RedisPartition({
      ...{ session, index, partitions: redis.partitions, runner, clock, policy, failuresKept },
      patienceMs: options.patienceMs ?? patienceDefaultMs,
      ...(options.commitTimes === undefined ? {} : { commitTimes: options.commitTimes }),
      onSetBack: (behind) => log.error('store_redis_set_back', { partition: index, behind }),
      onClaimsUnknown: () => void releaseStrays(store, partition, log),
    });
    return partition;
  });
  const unclaimable = new Unclaimable(log, counters);
  const store: RedisStore = new RedisStore({
    ...{ clock, dueClock: options.dueClock ?? redisClock, runner, partitions, policy },
    partitionOf: (key) => partitionOf(partitions, key),
    statusKeepSeconds: options.statusKeepSeconds,
    failuresKept,
    random: options.random,
    onUnclaimable: (key, error) => unclaimable.report(key, error),
    onUnreadable: (error) => unclaimable.report(error.key, error),
    onUnreadableFailure: (number, reason) => log.warn('failure_unreadable', { number, reason }),
    onFailing: (partition, error) =>
      log.error('partition_failing', { partition: partition.index, error: String(error) }),
    onDamaged: (partition, error) =>
      log.error('partition_damaged', { partition: partition.index, error: String(error) }),
    onAnswering: (partition) => log.info('partition_answers', { partition: partition.index }),
    close: async () => {
      try {
        await leases.end();
      } catch (error) {
        // What it holds is taken over once its lease is over.
        log.warn('lease_not_ended', { error: String(error) });
      } finally {
        await redis.close?.();
      }
    },
  });
  await leases.begin();
  for (const partition of partitions) await partition.ask('trim', [failuresKept]);
  await store.recover();
  return store;
}

function partitionOf(partitions: readonly RedisPartition[], key: string): RedisPartition {
  const partition = partitions[crc32(key) % partitions.length];
  if (partition === undefined) throw new TypeError('the store has no partitions');
  return partition;
}

async function releaseStrays(store: RedisStore, partition: RedisPartition, log: Log) {
  try {
    await store.releaseStrays(partition);
  } catch (error) {
    // It is tried again when the lease is renewed.
    log.warn('claims_not_released', { error: String(error) });
  }
}

/** What other nodes left behind when they died, and claims of our own whose answers were lost. */
async function lookAfter(store: RedisStore, counters: Counters, log: Log): Promise<void> {
  for (const partition of store.unsure) await releaseStrays(store, partition, log);
  try {
    const { reclaimed, givenUp } = await store.takeOver();
    if (reclaimed > 0) log.warn('firings_reclaimed', { reclaimed });
    counters.add('given_up_count', givenUp.length);
    for (const firing of givenUp) {
      log.error('firing_given_up', { fireId: quote(fireId(firing)), crashes: firing.crashes });
    }
  } catch (error) {
    log.warn('leases_not_taken_over', { error: String(error) });
  }
}
