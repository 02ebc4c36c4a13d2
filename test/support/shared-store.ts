import { createHash } from 'node:crypto';

import { onTestFinished } from 'vitest';

import type { Firing } from '../../src/core/firing.ts';
import type { Log } from '../../src/core/log.ts';
import type { Clock } from '../../src/core/time.ts';
import type { Counters } from '../../src/metrics/counters.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { openSharedStore } from '../../src/stores/redis/open-shared-store.ts';
import type { RedisStore } from '../../src/stores/redis/redis-store.ts';
import type { RedisSettings } from '../../src/stores/redis/settings.ts';
import { type ScriptName, scripts } from '../../src/stores/redis/scripts.ts';
import { FakeClock } from './fake-clock.ts';
import { T0 } from './plans.ts';
import { RecordedLog } from './recorded-log.ts';

export interface SharedStoreOptions {
  /** Of the Redis, or of what stands before it. */
  readonly port?: number;
  /** What of its settings is not as usual. */
  readonly redis?: Partial<RedisSettings>;
  readonly dueClock?: Clock;
  readonly leaseSeconds?: number;
  readonly patienceMs?: number;
  readonly partitions?: number;
  readonly log?: Log;
  readonly counters?: Counters;
}

/** A store as one node has it, in this process; closed with its test. */
export async function aSharedStore(options: SharedStoreOptions): Promise<RedisStore> {
  const {
    port = 6379,
    dueClock = new FakeClock(T0),
    leaseSeconds = 60,
    patienceMs = 4_500,
  } = options;
  const store = await openSharedStore({
    redis: {
      servers: { kind: 'one', address: { host: '127.0.0.1', port } },
      ...{ db: 0, username: '', password: { text: '', file: '' }, tls: undefined },
      ...{ prefix: 'forsun', serverId: 0, partitions: options.partitions, leaseSeconds },
      ...options.redis,
    },
    ...{ clock: systemClock, dueClock, log: options.log ?? new RecordedLog(), patienceMs },
    ...{ random: Math.random, statusKeepSeconds: 0 },
    ...(options.counters === undefined ? {} : { counters: options.counters }),
  });
  onTestFinished(() => store.close());
  return store;
}

const digests = new Map(
  (Object.keys(scripts) as ScriptName[]).map((name) => [
    name,
    createHash('sha1').update(scripts[name]).digest('hex'),
  ]),
);

/** True when the bytes ask Redis to run that script. */
export const asksFor = (bytes: Buffer, name: ScriptName): boolean =>
  bytes.includes(digests.get(name) ?? '') || bytes.includes(scripts[name]);

/** What the store says of each; undefined where it cannot tell. */
export const confirmed = (
  store: RedisStore,
  firings: readonly Firing[],
): Promise<(boolean | undefined)[]> =>
  Promise.all(firings.map((firing) => store.confirm(firing).catch(() => undefined)));
