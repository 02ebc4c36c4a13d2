import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { silentLog } from '../../../src/core/log.ts';
import type { AgendaPlace } from '../../../src/core/plan.ts';
import { addSeconds, type UnixSeconds } from '../../../src/core/time.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { openRedisStore } from '../../../src/stores/redis/open-redis-store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { RedisServer } from '../../support/redis-server.ts';

let redis: RedisServer;

beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.stop());

const open = async () => {
  const client = redis.client();
  await client.flushall();
  const store = await openRedisStore({
    redis: { client, prefix: 'f', serverId: 0, partitions: 1 },
    ...{ clock: systemClock, dueClock: new FakeClock(T0), log: silentLog, random: () => 0.5 },
    ...{ statusKeepSeconds: 0, leaseSeconds: 60 },
  });
  return { client, store };
};

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Keys in many an order: rising, falling, at random, with prefixes of one another, beyond ASCII. */
const someKeys = fc.oneof(
  fc
    .record({ count: fc.integer({ min: 100, max: 1_500 }), from: fc.nat(9_999) })
    .map(({ count, from }) =>
      Array.from({ length: count }, (_, n) => `order:${String(from + n).padStart(8, '0')}`),
    ),
  fc
    .record({ count: fc.integer({ min: 100, max: 1_500 }), step: fc.integer({ min: 1, max: 997 }) })
    .map(({ count, step }) =>
      Array.from({ length: count }, (_, n) => `k${(n * step * 7919) % 99_991}`),
    ),
  fc.array(
    fc.string({ unit: fc.constantFrom('a', 'b', 'é', '🚀', '\u0001'), minLength: 1, maxLength: 9 }),
    { minLength: 50, maxLength: 400 },
  ),
);

test('keys and agenda are those of a sorted list, however many come and go in whatever order', async () => {
  const rounds = fc.array(
    fc.record({ keys: someKeys, spread: fc.constantFrom(1, 5, 5_000), keep: fc.nat(10) }),
    { minLength: 1, maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(rounds, async (all) => {
      const { store } = await open();
      const model = new Map<string, UnixSeconds>();
      for (const { keys, spread, keep } of all) {
        await Promise.all(
          keys.map((key, n) => {
            const due = addSeconds(T0, 1 + ((n * 31) % spread));
            model.set(key, due);
            return store.put(aDraft({ key }), due);
          }),
        );
        const gone = [...model.keys()].filter((_, n) => (n * 7) % 10 >= keep);
        for (const key of gone) model.delete(key);
        await Promise.all(gone.map((key) => store.remove(key)));
        const sorted = [...model.keys()].sort(byBytes);
        expect(await store.keys('', 100_000)).toEqual(sorted);
        const due = sorted.toSorted((a, b) => model.get(a)! - model.get(b)! || byBytes(a, b));
        const listed: string[] = [];
        for (let after: AgendaPlace | undefined; ;) {
          const page = await store.agenda(T0, addSeconds(T0, 10_000), 333, after);
          listed.push(...page.map(({ key }) => key));
          const last = page.at(-1);
          if (page.length < 333 || last?.nextFireTime === undefined) break;
          after = { fireTime: last.nextFireTime, key: last.key };
        }
        expect(listed).toEqual(due);
        expect(store.planCount()).toBe(model.size);
      }
      await store.close();
    }),
    { numRuns: 12 },
  );
}, 120_000);

test('nothing is left of plans that are gone, nor much of most of them', async () => {
  const { client, store } = await open();
  const keys = Array.from({ length: 5_000 }, (_, n) => `k${(n * 7919) % 99_991}`);
  await Promise.all(keys.map((key, n) => store.put(aDraft({ key }), addSeconds(T0, n % 700))));
  const leaves = async (): Promise<number> => (await client.keys('{f:0:0}:*:*')).length;
  const before = await leaves();
  await Promise.all(keys.slice(0, 4_900).map((key) => store.remove(key)));
  expect(await leaves()).toBeLessThan(before / 8);
  await Promise.all(keys.slice(4_900).map((key) => store.remove(key)));
  expect((await client.keys('*')).sort()).toEqual(
    ['count', 'generation', 'leaves', 'replies', 'sessions'].map((name) => `{f:0:0}:${name}`),
  );
  await store.close();
});

test('all that is due is claimed once, over however many leaves it is spread', async () => {
  const { store } = await open();
  const keys = Array.from({ length: 2_000 }, (_, n) => `k${(n * 7919) % 99_991}`);
  await Promise.all(
    keys.map((key, n) => store.put(aDraft({ key, count: 1 }), addSeconds(T0, n % 9))),
  );
  const claimed: string[] = [];
  const until = addSeconds(T0, 9);
  for (let more = true; more;) {
    const result = await store.claim(until, { firings: 300, late: 300, lateBefore: T0 });
    claimed.push(...result.claims.map(({ firing }) => firing.key));
    await Promise.all(result.claims.map(({ firing }) => store.settle(firing, { kind: 'done' })));
    more = result.more;
  }
  expect(claimed.toSorted()).toEqual(keys.toSorted());
  expect(store.planCount()).toBe(0);
  await store.close();
});
