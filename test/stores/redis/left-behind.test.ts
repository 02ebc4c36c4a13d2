import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';

import { addSeconds } from '../../../src/core/time.ts';
import { Counters } from '../../../src/metrics/counters.ts';
import type { RedisStore } from '../../../src/stores/redis/redis-store.ts';
import { room } from '../../contract/store.ts';
import { eventually, eventuallyPasses } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { aRedis } from '../../support/redis-nodes.ts';
import { aSharedStore } from '../../support/shared-store.ts';

const base = '{forsun:0:0}:';
const due = addSeconds(T0, 5);
const firings = 300;
const keys = Array.from({ length: firings }, (_, n) => `k/${n}`);

let port: number;
let redis: Redis;
let dead: RedisStore;

beforeEach(async () => {
  const server = await aRedis();
  port = server.port;
  redis = server.client();
  dead = await aSharedStore({ port });
  await Promise.all(keys.map((key) => dead.put(aDraft({ key, count: 1 }), due)));
});

/** All that it holds, its lease is over. */
async function dies(): Promise<void> {
  for (let more = true; more;) more = (await dead.claim(due, room(due))).more;
  expect(await redis.scard(`${base}held:${dead.sessions[0]!}`)).toBe(firings);
  await redis.zadd(`${base}sessions`, 0, dead.sessions[0]!);
}

async function claimAll(store: RedisStore): Promise<readonly string[]> {
  const keys: string[] = [];
  for (let more = true; more;) {
    const found = await store.claim(due, room(due));
    keys.push(...found.claims.map(({ firing }) => `${firing.key} ${firing.attempt}`));
    more = found.more;
  }
  return keys;
}

test('of nodes that take over at once, each counts what it took, and all of it is taken once', async () => {
  const others = await Promise.all([1, 2, 3].map(() => aSharedStore({ port })));
  await dies();
  const taken = await Promise.all(others.map((store) => store.takeOver()));
  expect(taken.reduce((sum, { reclaimed }) => sum + reclaimed, 0)).toBe(firings);
  const claimed = (await Promise.all(others.map(claimAll))).flat();
  expect(claimed.toSorted()).toEqual(keys.map((key) => `${key} 2`).toSorted());
});

test('what cannot be taken over while writes are refused is taken over afterwards', async () => {
  const log = new RecordedLog();
  const other = await aSharedStore({ port, log });
  await dies();
  await redis.set(`${base}waiting`, 'garbage');
  expect(await other.takeOver()).toEqual({ reclaimed: 0, givenUp: [] });
  const told = log.lines.filter(({ event }) => event === 'plan_unclaimable');
  expect(told.length).toBeGreaterThan(0);
  expect(String(told[0]!.fields['reason'])).toContain('WRONGTYPE');
  await redis.del(`${base}waiting`);
  expect(await other.takeOver()).toEqual({ reclaimed: firings, givenUp: [] });
  expect(await other.takeOver()).toEqual({ reclaimed: 0, givenUp: [] });
});

test('parked firings that cannot be claimed while writes are refused are claimed afterwards', async () => {
  const claims = await dead.claim(due, room(due));
  const [{ firing } = { firing: undefined }] = claims.claims;
  await dead.settle(firing!, { kind: 'parked', origin: 'o' });
  const other = await aSharedStore({ port });
  await redis.set(`${base}held:${other.sessions[0]!}`, 'garbage');
  expect(await other.claimParked('o', 10)).toEqual([]);
  await redis.del(`${base}held:${other.sessions[0]!}`);
  const again = await other.claimParked('o', 10);
  expect(again.map((claim) => claim.firing)).toEqual([firing]);
});

test('what a node does not get rid of while writes are refused leaves the agenda alone', async () => {
  await redis.set(`${base}held:${dead.sessions[0]!}`, 'garbage');
  const found = await dead.claim(due, room(due));
  expect(found).toMatchObject({ claims: [], moved: 0 });
  await redis.del(`${base}held:${dead.sessions[0]!}`);
  await eventuallyPasses(async () => expect(await claimAll(dead)).toHaveLength(firings));
});

test('what is taken over is told, and what is given up is counted and told', async () => {
  const [log, counters, dueClock] = [new RecordedLog(), new Counters(), new FakeClock(due)];
  const other = await aSharedStore({ port, log, counters, dueClock, leaseSeconds: 5 });
  const told = (event: string) => log.lines.filter((line) => line.event === event);
  await dies();
  // By itself, when it has renewed its lease.
  await eventually(() => told('firings_reclaimed').length > 0);
  const reclaimed = told('firings_reclaimed').map(({ fields }) => Number(fields['reclaimed']));
  expect(reclaimed.reduce((sum, some) => sum + some, 0)).toBe(firings);

  await Promise.all(keys.slice(1).map((key) => other.remove(key)));
  for (let crashes = 1; crashes <= 10; crashes++) {
    await dueClock.set(addSeconds(dueClock.now(), 1_000));
    const { claims } = await eventuallyPasses(async () => {
      const found = await dead.claim(dueClock.now(), room(dueClock.now(), { firings: 1 }));
      expect(found.claims).toHaveLength(1);
      return found;
    });
    expect(claims[0]?.firing).toMatchObject({ key: 'k/0', crashes });
    await redis.zadd(`${base}sessions`, 0, dead.sessions[0]!);
    if (crashes < 10) await other.takeOver();
  }
  await eventually(() => told('firing_given_up').length > 0);
  expect(told('firing_given_up')).toMatchObject([{ level: 'error', fields: { crashes: 11 } }]);
  expect(counters.value('given_up_count')).toBe(1);
});
