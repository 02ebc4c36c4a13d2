import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test, vi } from 'vitest';

import type { ForsunClient } from '../../src/client/forsun-client.ts';
import { flawless, judge } from '../support/checker.ts';
import { eventuallyPasses } from '../support/eventually.ts';
import { type Hit, HttpSink } from '../support/http-sink.ts';
import { isNightly } from '../support/nightly.ts';
import { aNode, aRedis, everyWriteOnDisk, nodes } from '../support/redis-nodes.ts';

const awayMs = isNightly ? 60_000 : 8_000;

vi.setConfig({ testTimeout: awayMs + 120_000 });

const make = (client: ForsunClient, key: string, second: number, url: string, count = 1) =>
  client.createTimeout({ key, second, count, action: 'http', params: { url } });

test('a Redis that is killed and returns with its log has all that was acknowledged, and all of it fires', async () => {
  const sink = await HttpSink.open();
  const redis = await aRedis({ args: everyWriteOnDisk });
  const [one, two] = (await nodes(2, { port: redis.port })).map((node) => node.client());
  const due = new Map<string, readonly number[]>();
  const unknown = new Set<string>();
  const crashes: { atMs: number }[] = [];
  let isOver = false;
  const worker = async (name: string, client: ForsunClient): Promise<void> => {
    for (let n = 0; !isOver; n++) {
      const key = `${name}/${n}`;
      await make(client, key, 1 + (n % 6), sink.url()).then(
        ({ nextFireTime }) => due.set(key, [nextFireTime!]),
        () => unknown.add(key),
      );
      await sleep(20);
    }
  };
  const workers = [worker('a', one!), worker('b', two!), worker('c', one!), worker('d', two!)];
  for (let kills = 0; kills < (isNightly ? 30 : 2); kills++) {
    await sleep(2_500);
    await redis.kill();
    crashes.push({ atMs: Date.now() });
    await sleep(1_500);
    await redis.restart();
    crashes.push({ atMs: Date.now() });
  }
  await sleep(1_000);
  isOver = true;
  await Promise.all(workers);
  const known = (): Hit[] => sink.hits.filter(({ key }) => !unknown.has(key));
  await eventuallyPasses(() => expect(judge(due, known()).missed).toEqual([])).catch(
    () => undefined,
  ); // the judgement below says what is missing
  await sleep(1_000);
  expect(due.size).toBeGreaterThan(100);
  expect(judge(due, known(), crashes)).toEqual(flawless);
  expect(await one!.getKeys()).toEqual([]);
});

test('while Redis is away nothing is acknowledged and memory stands still; then all that was missed fires', async () => {
  const sink = await HttpSink.open();
  const redis = await aRedis({ args: everyWriteOnDisk });
  const node = await aNode({ port: redis.port, args: ['--misfire-threshold', '1'] });
  const client = node.client();
  const due = new Map<string, readonly number[]>();
  const missed = 300;
  for (let n = 0; n < missed; n++) {
    const { nextFireTime } = await make(client, `missed/${n}`, 6, sink.url());
    due.set(`missed/${n}`, [nextFireTime!]);
  }
  await make(client, 'every', 1, sink.url(), 0);
  await sink.until('every', 1);
  const before = sink.hits.length;
  redis.signal('SIGSTOP');

  const memory = await memoryOf(client);
  const refusals: number[] = [];
  const acknowledged: string[] = [];
  const endMs = Date.now() + awayMs;
  const flood = async (name: string): Promise<void> => {
    for (let n = 0; Date.now() < endMs; n++) {
      const startMs = performance.now();
      await make(client, `${name}/${n}`, 1, sink.url()).then(
        () => acknowledged.push(`${name}/${n}`),
        (error: unknown) => expect(error).toMatchObject({ code: 1004 }),
      );
      refusals.push(performance.now() - startMs);
    }
  };
  const floods = Promise.all(Array.from({ length: 50 }, (_, n) => flood(`f${n}`)));
  await sleep(awayMs / 2);
  await redis.kill();
  await floods;
  expect(acknowledged).toEqual([]);
  // Five seconds, and what a busy machine adds.
  expect(Math.max(...refusals)).toBeLessThan(8_000);
  expect((await memoryOf(client)) - memory).toBeLessThan(50 * 2 ** 20);
  expect(sink.hits.filter(({ key }) => key.startsWith('missed')).length).toBeLessThan(missed);
  expect(before).toBeGreaterThan(0);

  await redis.restart();
  await eventuallyPasses(() => make(client, 'new', 1, sink.url()));
  await sink.until('new', 1);
  const isMissed = ({ key }: Hit): boolean => key.startsWith('missed');
  // What is new is not starved by what was missed.
  expect(sink.of('new')[0]!.atMs - sink.of('new')[0]!.fireTime * 1000).toBeLessThan(3_000);
  await eventuallyPasses(() => expect(judge(due, sink.hits.filter(isMissed)).missed).toEqual([]));
  expect(judge(due, sink.hits.filter(isMissed), [])).toEqual(flawless);
  await eventuallyPasses(() => expect(sink.of('every').length).toBeGreaterThan(3));
});

test('a Redis that pauses for three seconds doubles and loses nothing', async () => {
  const sink = await HttpSink.open();
  const redis = await aRedis();
  const [one, two] = (await nodes(2, { port: redis.port })).map((node) => node.client());
  const admin = redis.client();
  const due = new Map<string, readonly number[]>();
  for (let n = 0; n < 40; n++) {
    if (n % 20 === 10) await admin.client('PAUSE', 3_000, 'ALL');
    const keys = [`a/${n}`, `b/${n}`];
    const plans = await Promise.all([
      make(one!, keys[0]!, 1 + (n % 4), sink.url()),
      make(two!, keys[1]!, 1 + (n % 4), sink.url()),
    ]);
    for (const [at, { nextFireTime }] of plans.entries()) due.set(keys[at]!, [nextFireTime!]);
  }
  await eventuallyPasses(() => expect(judge(due, sink.hits).missed).toEqual([]));
  await sleep(2_000);
  expect(judge(due, sink.hits)).toEqual(flawless);
});

const memoryOf = async (client: ForsunClient): Promise<number> =>
  Number((await client.info()).get('mem_rss'));
