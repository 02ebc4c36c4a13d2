import { crc32 } from 'node:zlib';

import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';

import type { Firing } from '../../../src/core/firing.ts';
import { addSeconds } from '../../../src/core/time.ts';
import type { RedisStore } from '../../../src/stores/redis/redis-store.ts';
import { room } from '../../contract/store.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { aRedis } from '../../support/redis-nodes.ts';
import { aSharedStore, confirmed } from '../../support/shared-store.ts';

const partitions = 3;
const broken = 1;
const due = addSeconds(T0, 5);
const keys = Array.from({ length: 12 }, (_, n) => `plan-${n}`);
const partitionOf = (key: string): number => crc32(key) % partitions;
const sound = keys.filter((key) => partitionOf(key) !== broken);
const lost = keys.filter((key) => partitionOf(key) === broken);

interface Shared {
  readonly redis: Redis;
  readonly store: RedisStore;
  readonly log: RecordedLog;
}

async function aDividedStore(): Promise<Shared> {
  const server = await aRedis();
  const redis = server.client();
  const log = new RecordedLog();
  const store = await aSharedStore({ port: server.port, partitions, log });
  for (const key of keys) await store.put(aDraft({ key }), due);
  return { redis, store, log };
}

/** Nothing of that partition can be told any more; answers how to put it right. */
async function breakPartition(redis: Redis): Promise<() => Promise<unknown>> {
  const names = await redis.keys(`{forsun:0:${broken}}:*`);
  for (const name of names) await redis.rename(name, name.replace('{', '{aside:{'));
  for (const name of ['due', 'sessions', 'waiting']) {
    await redis.set(`{forsun:0:${broken}}:${name}`, 'garbage');
  }
  return async () => {
    for (const name of ['due', 'sessions', 'waiting']) {
      await redis.del(`{forsun:0:${broken}}:${name}`);
    }
    for (const name of names) await redis.rename(name.replace('{', '{aside:{'), name);
  };
}

/** As a scheduler does it, which asks again when it was refused. */
async function claimAll(store: RedisStore, claims = 4): Promise<Firing[]> {
  const found: Firing[] = [];
  for (let n = 0; n < claims; n++) {
    const result = await store.claim(due, room(due, { firings: 100 })).catch(() => undefined);
    found.push(...(result?.claims ?? []).map(({ firing }) => firing));
  }
  return found;
}

const keysOf = (firings: readonly Firing[]): string[] => firings.map(({ key }) => key).sort();

test('what is due in sound partitions is claimed while another cannot be, none of it forgotten', async () => {
  const { redis, store, log } = await aDividedStore();
  const repair = await breakPartition(redis);
  expect(keysOf(await claimAll(store))).toEqual(sound.toSorted());
  expect(log.lines).toContainEqual(
    expect.objectContaining({
      event: 'partition_damaged',
      fields: expect.objectContaining({ partition: broken }) as unknown,
    }),
  );
  expect(store.trouble()).toBeUndefined();

  await repair();
  expect(keysOf(await claimAll(store))).toEqual(lost.toSorted());
});

test('what was parked in sound partitions is claimed while another cannot be', async () => {
  const { redis, store, log } = await aDividedStore();
  for (const firing of await claimAll(store))
    await store.settle(firing, { kind: 'parked', origin: 'o' });
  await redis.rename(`{forsun:0:${broken}}:parked:o`, 'aside');
  await redis.set(`{forsun:0:${broken}}:parked:o`, 'garbage');
  const claimed: Firing[] = [];
  for (let n = 0; n < 4; n++) {
    const claims = await store.claimParked('o', 100).catch(() => []);
    claimed.push(...claims.map(({ firing }) => firing));
  }
  expect(keysOf(claimed)).toEqual(sound.toSorted());
  // Nothing else of that partition waits for it.
  for (const key of lost) await store.trigger(key);
  expect(keysOf(await claimAll(store, 1)).toSorted()).toEqual(lost.toSorted());
  expect(log.events().filter((event) => event === 'partition_damaged')).toHaveLength(1);
  expect(log.events()).not.toContain('partition_failing');
});

test('others that claim in one partition hold up no claim in the rest, and what they leave is claimed', async () => {
  const { redis, store, log } = await aDividedStore();
  await redis.set(`{forsun:0:${broken}}:claiming`, 'another');
  expect(keysOf(await claimAll(store, 3))).toEqual(sound.toSorted());
  expect(log.events()).not.toContain('partition_failing');
  await redis.del(`{forsun:0:${broken}}:claiming`);
  expect(keysOf(await claimAll(store, 1))).toEqual(lost.toSorted());
});

test('what is in flight in sound partitions is confirmed while of another nothing is known', async () => {
  const { redis, store } = await aDividedStore();
  const firings = await claimAll(store);
  await breakPartition(redis);
  const answers = await confirmed(store, firings);
  expect(answers).toEqual(
    firings.map(({ key }) => (partitionOf(key) === broken ? undefined : true)),
  );
});

test('what dead nodes left behind in sound partitions is taken over while another cannot be', async () => {
  const { redis, store } = await aDividedStore();
  const firings = await claimAll(store);
  for (const [n, session] of store.sessions.entries()) {
    await redis.zadd(`{forsun:0:${n}}:sessions`, 0, session);
  }
  await breakPartition(redis);
  let reclaimed = 0;
  for (let n = 0; n < 4; n++) {
    const taken = await store.takeOver().catch(() => undefined);
    reclaimed += taken?.reclaimed ?? 0;
  }
  expect(reclaimed).toBe(firings.filter(({ key }) => partitionOf(key) !== broken).length);
});
