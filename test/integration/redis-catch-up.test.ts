import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test, vi } from 'vitest';

import { unixSeconds } from '../../src/core/time.ts';
import { flawless, judge } from '../support/checker.ts';
import { eventuallyPasses } from '../support/eventually.ts';
import { type Hit, HttpSink } from '../support/http-sink.ts';
import { isNightly } from '../support/nightly.ts';
import { aDraft } from '../support/plans.ts';
import { aNode, aRedis } from '../support/redis-nodes.ts';
import { aSharedStore } from '../support/shared-store.ts';

vi.setConfig({ testTimeout: 150_000 });

const missed = isNightly ? 20_000 : 8_000;
const nodeCount = 2;
/** Of each node. */
const ratePerSecond = 500;
/** What a node has in hand when it starts, and what a busy machine adds. */
const leadMs = 2_000;

test('nodes make up for what was missed at their rates, and new due times do not wait for it', async ({
  annotate,
}) => {
  const sink = await HttpSink.open();
  const { port } = await aRedis();
  const due = await makeMissed(port, sink.url());
  const args = ['--catchup-rate', String(ratePerSecond)];
  const started = Array.from({ length: nodeCount }, () => aNode({ port, args }));
  const clients = (await Promise.all(started)).map((node) => node.client());
  const madeUp = (): Hit[] => sink.hits.filter(({ key }) => key.startsWith('missed/'));
  for (let n = 0; madeUp().length < missed; n++) {
    const plan = { key: `new/${n}`, second: 1 + (n % 3), action: 'http' };
    const client = clients[n % nodeCount]!;
    const made = await client.createTimeout({ ...plan, params: { url: sink.url() } });
    due.set(plan.key, [made.nextFireTime!]);
    await sleep(20);
  }
  await eventuallyPasses(() => expect(judge(due, sink.hits).missed).toEqual([]));
  await sleep(1_000);
  expect(judge(due, sink.hits)).toEqual(flawless);

  const tookMs = madeUp().at(-1)!.atMs - madeUp()[0]!.atMs;
  const lateMs = sink.hits
    .filter(({ key }) => key.startsWith('new/'))
    .map(({ atMs, fireTime }) => atMs - fireTime * 1000)
    .toSorted((a, b) => a - b);
  const [median, p90, most] = [0.5, 0.9, 1].map(
    (part) => lateMs[Math.ceil(part * lateMs.length) - 1]!,
  );
  await annotate(
    `${missed} made up for in ${tookMs} ms; ${lateMs.length} new ones late by ${median} ms, p90 ${p90} ms, at the most ${most} ms`,
  );
  expect(tookMs).toBeGreaterThan((missed / (nodeCount * ratePerSecond)) * 1_000 - leadMs);
  expect(p90).toBeLessThan(1_000);
  expect(most).toBeLessThan(leadMs + 1_000);
});

/** Plans that were due in the hour up to a minute ago, while no node ran. */
async function makeMissed(port: number, url: string): Promise<Map<string, readonly number[]>> {
  const due = new Map<string, readonly number[]>();
  const store = await aSharedStore({ port });
  const until = Math.floor(Date.now() / 1000) - 60;
  const plan = { count: 1, action: 'http', params: new Map([['url', url]]) };
  const make = async (n: number): Promise<void> => {
    const key = `missed/${n}`;
    const fireTime = unixSeconds(until - (n % 3_600));
    await store.put(aDraft({ ...plan, key }), fireTime);
    due.set(key, [fireTime]);
  };
  for (let n = 0; n < missed; n += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, at) => make(n + at)));
  }
  await store.close();
  return due;
}
