import { setTimeout as sleep } from 'node:timers/promises';

import type { Redis } from 'ioredis';
import { beforeEach, expect, test, vi } from 'vitest';

import type { ForsunClient } from '../../src/client/forsun-client.ts';
import { eventuallyPasses } from '../support/eventually.ts';
import type { ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';
import type { RedisServer } from '../support/redis-server.ts';
import { aNode, aRedis } from '../support/redis-nodes.ts';

vi.setConfig({ testTimeout: 90_000 });

const base = '{forsun:0:0}:';

let server: RedisServer;
let redis: Redis;
let sink: HttpSink;
let node: ForsundProcess;
let client: ForsunClient;

beforeEach(async () => {
  [server, sink] = await Promise.all([aRedis(), HttpSink.open()]);
  redis = server.client();
  node = await aNode({ port: server.port });
  client = node.client();
});

const make = (key: string, second = 1, count = 1) =>
  client.createTimeout({ key, second, count, action: 'http', params: { url: sink.url() } });
const leaves = (tree: string): Promise<string[]> => redis.keys(`${base}${tree}:*`);
const refused = { code: 1004 };

/** A plan that fires every second goes on doing so. */
async function firesOn(key: string): Promise<void> {
  const count = sink.of(key).length;
  await sink.until(key, count + 2);
}

test('a Redis that is full takes no plans, and goes on firing, settling and removing', async () => {
  for (let n = 0; n < 50; n++) await make(`later/${n}`, 3_600);
  await make('every', 1, 0);
  const failing = sink.url('/fails');
  sink.answer = ({ url }) => (url === '/fails' ? 500 : 200);
  await client.createTimeout({ key: 'fails', second: 4, action: 'http', params: { url: failing } });
  await make('once', 4);
  await redis.config('SET', 'maxmemory', '1mb');

  const refusal = await make('new').catch((error: unknown) => error);
  expect(refusal).toMatchObject(refused);
  expect(String(refusal)).toMatch(/Redis is full.*maxmemory/);
  await sink.until('once', 1);
  await sink.until('fails', 1);
  await firesOn('every');
  await eventuallyPasses(async () => {
    expect(await client.getKeys('once')).toEqual([]);
    expect((await client.get('fails')).status).toBe(-1);
  });
  // For longer than a lease lasts without being renewed.
  await sleep(6_000);
  await firesOn('every');
  await client.remove('later/0');
  expect(await client.getKeys('later/0')).toEqual([]);
  expect(node.output).not.toMatch(/lease_lost|firing_not_settled|due_not_claimed/);
  expect(sink.of('every').every(({ attempt }) => attempt === 1)).toBe(true);

  await redis.config('SET', 'maxmemory', '0');
  await make('new');
  await sink.until('new', 1);
  await node.kill('SIGTERM');
});

test('while Redis is a replica changes are refused, and afterwards all goes on', async () => {
  await make('every', 1, 0);
  await sink.until('every', 1);
  await redis.replicaof('127.0.0.1', '1');
  const connections = async (): Promise<number> =>
    Number(/^total_connections_received:(\d+)/m.exec(await redis.info('stats'))?.[1]);
  const before = await connections();
  const startMs = performance.now();
  await expect(make('k')).rejects.toMatchObject(refused);
  expect(performance.now() - startMs).toBeLessThan(8_000);
  // A new connection for each refusal would leave none to those that read.
  expect((await connections()) - before).toBeLessThan(20);
  expect(await client.getKeys()).toEqual(['every']);
  await redis.replicaof('NO', 'ONE');
  await make('k');
  await sink.until('k', 1);
  await firesOn('every');
});

test('scripts that Redis forgets under load are told to it again', async () => {
  const keys: string[] = [];
  for (let n = 0; n < 200; n++) {
    keys.push(`k/${n}`);
    const made = make(`k/${n}`, 1 + (n % 3));
    if (n % 10 === 0) await redis.script('FLUSH');
    await made;
  }
  for (const key of keys) await sink.until(key, 1);
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  expect(sink.hits).toHaveLength(keys.length);
});

test('a record that cannot be read harms no other plan, and may be replaced or removed', async () => {
  await make('every', 1, 0);
  await make('damaged', 2);
  await make('removed', 2);
  const [leaf = ''] = await leaves('plans');
  for (const key of ['damaged', 'removed']) {
    await redis.lset(leaf, (await redis.lpos(leaf, key))! + 1, 'garbage');
  }
  await eventuallyPasses(() => expect(node.output).toMatch(/plan_unclaimable key="?\\?"?damaged/));
  await firesOn('every');
  await expect(client.get('damaged')).rejects.toThrow();
  await make('damaged', 1);
  await sink.until('damaged', 1);
  await client.remove('removed');
  expect(await client.getKeys()).not.toContain('removed');
  expect(sink.of('removed')).toEqual([]);
});

test('a leaf that is no list costs its plans, and no other', async () => {
  for (let n = 0; n < 60; n++) await make(`a/${String(n).padStart(2, '0')}`, 3_600);
  await make('b', 3);
  await make('every', 1, 0);
  const found = await leaves('plans');
  expect(found.length).toBeGreaterThan(1);
  const ofB = await firstFor(found, async (leaf) => (await redis.lpos(leaf, 'b')) !== null);
  const ofA = await firstFor(found, async (leaf) => (await redis.lpos(leaf, 'a/00')) !== null);
  expect(ofA).not.toBe(ofB);
  await make('a/00', 2);
  await redis.set(ofA, 'garbage');

  await sink.until('b', 1);
  await firesOn('every');
  await eventuallyPasses(() => expect(node.output).toMatch(/plan_unclaimable key=.*a\/00/));
  const refusal = await make('a/00').catch((error: unknown) => error);
  expect(refusal).toMatchObject(refused);
  expect(String(refusal)).toContain('WRONGTYPE');
  await make('c', 1);
  await sink.until('c', 1);
});

test.for(['due', 'waiting', 'plans', 'sessions', 'replies', 'generation', 'failures'])(
  'a foreign value in place of %s is told of, and forsund goes on when it is gone',
  async (name) => {
    await make('k', 3_600);
    await redis.del(`${base}${name}`);
    await redis.set(`${base}${name}`, 'garbage');
    await make('made', 1).catch((error: unknown) => expect(error).toMatchObject(refused));
    await sleep(2_500);
    expect(
      node.output.split('\n').filter((line) => line.includes('lease_not')).length,
    ).toBeLessThan(2);
    await redis.del(`${base}${name}`);
    await eventuallyPasses(() => make('after', 1));
    await sink.until('after', 1);
    if (!['failures', 'replies'].includes(name)) expect(node.output).toMatch(/ERROR|WARN/);
  },
);

test('a Redis that is emptied is told of, and begun anew as it was', async () => {
  await make('every', 1, 0);
  await sink.until('every', 1);
  const meta = await redis.hgetall('forsun:0:meta');
  await redis.flushall();
  await eventuallyPasses(() => make('after', 1));
  await sink.until('after', 1);
  expect(await client.getKeys()).not.toContain('every');
  await eventuallyPasses(() => expect(node.output).toContain('ERROR store_redis_emptied'));
  expect(await redis.hgetall('forsun:0:meta')).toEqual(meta);
});

/** The first for which it holds. */
async function firstFor<T>(all: readonly T[], holds: (one: T) => Promise<boolean>): Promise<T> {
  for (const one of all) if (await holds(one)) return one;
  throw new Error('none');
}
