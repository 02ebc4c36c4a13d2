import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, test } from 'vitest';

import type { Firing } from '../../../src/core/firing.ts';
import { addSeconds } from '../../../src/core/time.ts';
import { partitionBase, timeText } from '../../../src/stores/redis/keys.ts';
import type { RedisStore } from '../../../src/stores/redis/redis-store.ts';
import { type ScriptName, scripts } from '../../../src/stores/redis/scripts.ts';
import { room } from '../../contract/store.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { aSharedStore, confirmed } from '../../support/shared-store.ts';
import { aRedis } from './connection-rig.ts';

const count = 40;
const large = 60_000;
/** What a script answers of one kind, and one piece more. */
const most = 256 * 1024 + large + 1_000;
const base = partitionBase('forsun', 0, 0);
const due = addSeconds(T0, 1);

let client: Redis;
let store: RedisStore;

beforeEach(async () => {
  const redis = await aRedis();
  client = redis.client();
  store = await aSharedStore({ port: redis.port, partitions: 1 });
});

const putAll = (keys: readonly string[], paramBytes = large): Promise<unknown> =>
  Promise.all(
    keys.map((key) =>
      store.put(
        aDraft({ key, count: 1, params: new Map([['body', 'x'.repeat(paramBytes)]]) }),
        due,
      ),
    ),
  );

const keysOf = (length: number, keyBytes = 10): string[] =>
  Array.from({ length }, (_, n) => String(n).padStart(keyBytes, '0'));

/** All texts that the script answers, in bytes. */
async function replyBytes(name: ScriptName, ...args: (string | number)[]): Promise<number> {
  const sizeOf = (reply: unknown): number =>
    Array.isArray(reply)
      ? reply.reduce<number>((sum, one) => sum + sizeOf(one), 0)
      : typeof reply === 'string'
        ? reply.length
        : 0;
  return sizeOf(await client.eval(scripts[name], 1, base, ...args));
}

async function claimAll(): Promise<Firing[]> {
  const firings: Firing[] = [];
  for (let isMore = true; isMore;) {
    const { claims, more } = await store.claim(due, room(due));
    firings.push(...claims.map(({ firing }) => firing));
    isMore = more;
  }
  return firings;
}

describe('plans with large params', () => {
  const keys = keysOf(count);
  beforeEach(() => putAll(keys));

  test('are read, claimed, confirmed and parked in pieces, and all of them', async () => {
    expect(await store.getMany(keys)).toHaveLength(count);
    expect(await store.agenda(T0, addSeconds(T0, 10), 100)).toHaveLength(count);
    expect(await store.keys('', 100)).toEqual(keys);
    const firings = await claimAll();
    expect(firings.map(({ key }) => key).sort()).toEqual(keys);
    expect(await confirmed(store, firings)).toEqual(keys.map(() => true));
    const parked = { kind: 'parked', origin: 'o' } as const;
    await Promise.all(firings.map((firing) => store.settle(firing, parked)));
    expect(await replyBytes('parked', 'o', 100)).toBeLessThan(most);
    expect(await store.claimParked('o', 100)).toHaveLength(count);
  });

  test('come in no reply that is larger than a few of them', async () => {
    const end = timeText(addSeconds(due, 1));
    expect(await replyBytes('read', 0, ...keys)).toBeLessThan(most);
    for (const lateEnd of [timeText(T0), end]) {
      expect(await replyBytes('look', 's', 1, 128, 128, lateEnd, end)).toBeLessThan(most);
    }
  });

  test('stand in leaves of a few, so that none takes long to read', async () => {
    const leafSizes = async (): Promise<number[]> => {
      const leaves = await client.keys(`${base}plans:*`);
      return Promise.all(leaves.map((leaf) => client.memory('USAGE', leaf).then(Number)));
    };
    expect(Math.max(...(await leafSizes()))).toBeLessThan(most + large);
    // Small ones that become large.
    const others = keysOf(count, 12);
    await putAll(others, 1);
    await putAll(others);
    expect(Math.max(...(await leafSizes()))).toBeLessThan(most + large);
    // They are not put together again as others go.
    await Promise.all(keys.filter((_, n) => n % 4 > 0).map((key) => store.remove(key)));
    expect(Math.max(...(await leafSizes()))).toBeLessThan(most + large);
    expect(await store.keys('', 100)).toHaveLength(count + count / 4);
  });
});

describe('plans with long keys', () => {
  const keys = keysOf(200, 8_000);

  test('are listed in pieces, in order, and all of them', async () => {
    await putAll(keys, 1);
    const leaf = 120 * 8_000;
    expect(await replyBytes('keys', '', '', '\xff', 1_000)).toBeLessThan(most + leaf);
    const [from, to] = [timeText(T0), timeText(addSeconds(T0, 10))];
    expect(await replyBytes('agenda', from, to, 1_000)).toBeLessThan(2 * (most + leaf));
    expect(await store.keys('', 1_000)).toEqual(keys);
    const listed = await store.agenda(T0, addSeconds(T0, 10), 1_000);
    expect(listed.map(({ key }) => key)).toEqual(keys);
    expect(await claimAll()).toHaveLength(keys.length);
  });

  test('have their failures listed in pieces, the newest first', async () => {
    await putAll(keys, 1);
    for (const firing of await claimAll()) {
      await store.settle(firing, { kind: 'failed', reason: 'no' });
    }
    expect(await replyBytes('failures', 0, 256)).toBeLessThan(most + 16 * 8_000);
    const failures = await store.failures('', 1_000);
    expect(failures).toHaveLength(keys.length);
    expect(await store.failures('', 1_000, failures[99]!.number)).toHaveLength(100);
  });
});
