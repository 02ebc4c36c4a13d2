import { crc32 } from 'node:zlib';

import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';

import { addSeconds } from '../../../src/core/time.ts';
import type { RedisStore } from '../../../src/stores/redis/redis-store.ts';
import { room } from '../../contract/store.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { aRedis } from '../../support/redis-nodes.ts';
import { aSharedStore, confirmed } from '../../support/shared-store.ts';

const base = '{forsun:0:0}:';
const due = addSeconds(T0, 5);
const later = addSeconds(T0, 6);

let redis: Redis;
let store: RedisStore;

beforeEach(async () => {
  const server = await aRedis();
  redis = server.client();
  store = await aSharedStore({ port: server.port });
  await store.put(aDraft({ key: 'k' }), due);
  await store.put(aDraft({ key: 'later' }), later);
});

const claim = (until = due) => store.claim(until, room(until));
const endLease = () => redis.zadd(`${base}sessions`, 0, store.sessions[0]!);

test('what was held under a lost lease is not settled under the next one', async () => {
  const { claims } = await claim();
  const held = claims[0]!.firing;
  await endLease();
  const before = store.sessions;
  // The claim finds that the lease is lost, and the node goes on under a new one before it settles.
  await Promise.all([claim(later), store.settle(held, { kind: 'done' })]);
  expect(store.sessions).not.toEqual(before);
  expect((await store.get('k'))?.unfinished).toHaveLength(1);
});

test('a claim that found the lease lost keeps no other node from claiming', async () => {
  await endLease();
  await Promise.all([claim(), claim()]);
  expect(await redis.exists(`${base}claiming`)).toBe(0);
});

test('what runs again after a lost lease is confirmed as its newest attempt, and as no older one', async () => {
  const { claims } = await claim();
  const older = claims[0]!.firing;
  await endLease();
  await claim(later);
  await store.takeOver();
  const again = await claim();
  const newer = again.claims[0]!.firing;
  expect([older.attempt, newer.attempt]).toEqual([1, 2]);
  expect(await confirmed(store, [older, newer])).toEqual([false, true]);
});

test('a lease that is lost in one partition costs nothing that is held in others', async () => {
  const partitions = 3;
  const port = redis.options.port!;
  const divided = await aSharedStore({ port, partitions, redis: { prefix: 'divided' } });
  const keys = Array.from({ length: 12 }, (_, n) => `plan-${n}`).sort();
  const lost = keys.filter((key) => crc32(key) % partitions === 1);
  for (const key of keys) await divided.put(aDraft({ key }), due);
  const { claims } = await divided.claim(due, room(due, { firings: 100 }));
  await redis.zadd('{divided:0:1}:sessions', 0, divided.sessions[1]!);
  const firings = claims.map(({ firing }) => firing);
  await divided.takeOver();
  // It finds that the lease is lost.
  await divided.claim(later, room(later, { firings: 100 }));
  expect(await confirmed(divided, firings)).toEqual(firings.map(({ key }) => !lost.includes(key)));
  for (const firing of firings) await divided.settle(firing, { kind: 'done' });
  const again = await divided.claim(later, room(later, { firings: 100 }));
  expect(again.claims.map(({ firing }) => [firing.key, firing.attempt])).toEqual(
    lost.map((key) => [key, 2]),
  );
});
