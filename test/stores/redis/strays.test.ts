import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';

import { addSeconds } from '../../../src/core/time.ts';
import { timeText } from '../../../src/stores/redis/keys.ts';
import type { Store } from '../../../src/stores/store.ts';
import { room } from '../../contract/store.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { aRedis } from '../../support/redis-nodes.ts';
import { aSharedStore } from '../../support/shared-store.ts';

const base = '{forsun:0:0}:';
const due = addSeconds(T0, 5);

let redis: Redis;
let store: Store;

beforeEach(async () => {
  const server = await aRedis();
  redis = server.client();
  store = await aSharedStore({ port: server.port });
  await store.put(aDraft({ key: 'k' }), due);
});

const claim = async () => (await store.claim(due, room(due))).claims;

test('a stray parked entry of a plan costs none of its firings', async () => {
  const [first] = await claim();
  await store.settle(first!.firing, { kind: 'parked', origin: 'o' });
  const stray = `${timeText(addSeconds(T0, 1))}k\0`;
  await redis.zadd(`${base}parked:o`, 0, stray);

  const claims = await store.claimParked('o', 10);
  expect(claims.map(({ firing }) => firing.key)).toEqual(['k']);
  expect(await store.confirm?.(claims[0]!.firing)).toBe(true);
  expect(await store.claimParked('o', 10)).toEqual([]);
  expect(await redis.exists(`${base}parked:o`)).toBe(0);
});

test('a stray entry of the agenda is dropped when it is due, and its plan fires when it should', async () => {
  const [leaf = ''] = await redis.keys(`${base}due:*`);
  for (const key of ['k', 'none']) {
    await redis.zadd(leaf, 0, timeText(addSeconds(T0, 1)) + key);
  }
  const early = addSeconds(T0, 2);
  expect((await store.claim(early, room(early))).claims).toEqual([]);
  expect(await redis.zcard(leaf)).toBe(1);
  expect(await claim()).toHaveLength(1);
});

test('a due time is put back on the agenda when its write fails half-way', async () => {
  await redis.set(`${base}aside`, 'garbage');
  const policy = { 'forsun.misfire': 'fire_all', 'forsun.max_unfinished': '1' };
  const params = new Map(Object.entries(policy));
  const all = aDraft({ key: 'all', params });
  await store.put(all, due);
  // Its next due time has to stand aside while the first one fires, and cannot.
  const claims = await claim();
  expect(claims.map(({ firing }) => firing.key)).toEqual(['k']);
  await redis.del(`${base}aside`);
  expect((await claim()).map(({ firing }) => firing.key)).toEqual(['all']);
});
