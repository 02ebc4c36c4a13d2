import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';

import { addSeconds } from '../../../src/core/time.ts';
import type { RedisStore } from '../../../src/stores/redis/redis-store.ts';
import { room } from '../../contract/store.ts';
import { eventuallyPasses } from '../../support/eventually.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { aRedis } from '../../support/redis-nodes.ts';
import { aSharedStore, confirmed } from '../../support/shared-store.ts';

const base = '{forsun:0:0}:';
const due = addSeconds(T0, 5);

let port: number;
let redis: Redis;
let log: RecordedLog;
let store: RedisStore;

beforeEach(async () => {
  const server = await aRedis();
  redis = server.client();
  log = new RecordedLog();
  port = server.port;
  store = await aSharedStore({ port, log });
});

const put = (key: string) => store.put(aDraft({ key, count: 1 }), due);
const claim = async () => (await store.claim(due, room(due))).claims;

test('a plan gets a newer generation than the one it replaces, though the counter was set back', async () => {
  for (let n = 0; n < 5; n++) await put(`other/${n}`);
  await put('k');
  const [old] = (await claim()).filter(({ firing }) => firing.key === 'k');
  await redis.del(`${base}generation`);
  const plans = await Promise.all([put('k'), put('new'), put('other/0')]);
  expect(plans[0].generation).toBeGreaterThan(old!.firing.generation);
  expect(new Set(plans.map(({ generation }) => generation)).size).toBe(3);
  await claim();
  expect(await store.confirm(old!.firing)).toBe(false);
  expect((await put('k')).generation).toBeGreaterThan(plans[0].generation);
  const told = log.lines.filter(({ event }) => event === 'store_redis_set_back');
  expect(told).toMatchObject([{ level: 'error', fields: { partition: 0, behind: 6 } }]);
});

test('another node makes no plan older than the one that it replaces', async () => {
  const plan = await put('k');
  await redis.set(`${base}generation`, '-5');
  const other = await aSharedStore({ port });
  const younger = await other.put(aDraft({ key: 'k' }), due);
  expect(younger.generation).toBeGreaterThan(plan.generation);
});

test('a counter that no store can have come to is told to who makes a plan, until it is gone', async () => {
  await redis.set(`${base}generation`, '4398046511104');
  await expect(put('k')).rejects.toThrow('Redis counts 4398046511105 generations');
  await redis.del(`${base}generation`);
  expect(await put('k')).toMatchObject({ generation: 1 });
});

test('no leaf is taken for another, though their counter is gone', async () => {
  const keys = Array.from({ length: 400 }, (_, n) => `k/${String((n * 7) % 400).padStart(3, '0')}`);
  for (const key of keys.slice(0, 200)) await put(key);
  await redis.del(`${base}leaves`);
  for (const key of keys.slice(200)) await put(key);
  expect(await store.keys('', 1_000)).toEqual(keys.toSorted());
  expect(await store.getMany(keys)).toHaveLength(keys.length);
  let fired = 0;
  for (let more = true; more;) {
    const found = await store.claim(due, room(due));
    fired += found.claims.length;
    more = found.more;
  }
  expect(fired).toBe(keys.length);
});

test('plans that are gone are told of when they are due, and new ones are taken', async () => {
  await put('gone');
  await redis.del(`${base}plans`);
  await put('new');
  expect((await claim()).map(({ firing }) => firing.key)).toEqual(['new']);
  const told = log.lines.filter(({ event }) => event === 'plan_unclaimable');
  const reason = 'it is on the agenda, but there is no such plan';
  expect(told.map(({ fields }) => fields)).toEqual([{ key: '"gone"', reason }]);
});

test.for(['count', 'generation', 'leaves', 'sessions', 'replies', 'claiming', 'failed'])(
  'once %s is gone, the plans there and new ones fire',
  async (name) => {
    await put('before');
    await redis.del(`${base}${name}`);
    await put('new');
    const fired = await eventuallyPasses(async () => {
      const claims = await claim();
      expect(claims).toHaveLength(2);
      return claims;
    });
    const firings = fired.map(({ firing }) => firing);
    expect(await confirmed(store, firings)).toEqual([true, true]);
  },
);
