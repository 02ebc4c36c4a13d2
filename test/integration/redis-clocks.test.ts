import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test, vi } from 'vitest';

import { flawless, intervalTimes, judge } from '../support/checker.ts';
import { eventuallyPasses } from '../support/eventually.ts';
import { FakeTime } from '../support/fake-time.ts';
import { HttpSink } from '../support/http-sink.ts';
import { aNode, aRedis } from '../support/redis-nodes.ts';

vi.setConfig({ testTimeout: 60_000 });

const apartSeconds = 600;
const seconds = 8;

test("nodes with clocks ten minutes apart fire by Redis's clock, whoever made the plan", async () => {
  const sink = await HttpSink.open();
  const { port } = await aRedis();
  const [behind, ahead] = await Promise.all([FakeTime.begin(), FakeTime.begin()]);
  behind.set(-apartSeconds / 2);
  ahead.set(apartSeconds / 2);
  const started = [behind, ahead].map(({ env }) => aNode({ port, env }));
  const clients = (await Promise.all(started)).map((node) => node.client());
  const params = { url: sink.url() };
  const due = new Map<string, readonly number[]>();
  const until = Math.floor(Date.now() / 1000) + seconds;
  for (const [at, client] of clients.entries()) {
    const [every, once] = [`every/${at}`, `once/${at}`];
    const madeMs = Date.now();
    const repeats = { key: every, second: 2, count: 0, action: 'http', params };
    const first = (await client.createTimeout(repeats)).nextFireTime!;
    expect(first - Math.floor(madeMs / 1000)).toBeGreaterThanOrEqual(1);
    expect(first - Date.now() / 1000).toBeLessThanOrEqual(2);
    due.set(every, intervalTimes(first, 2, { until }));
    const { nextFireTime } = await client.createTimeout({ ...repeats, key: once, count: 1 });
    due.set(once, [nextFireTime!]);
  }
  // The one sees the other's plans, due when they are.
  const seen = await Promise.all(clients.map((client) => client.get('once/1')));
  expect(seen[0]!.nextFireTime).toBe(seen[1]!.nextFireTime);

  await sleep(Math.max(0, (until + 1) * 1000 - Date.now()));
  const asked = () => sink.hits.filter(({ fireTime }) => fireTime <= until);
  await eventuallyPasses(() => expect(judge(due, asked()).missed).toEqual([]));
  expect(judge(due, asked())).toEqual(flawless);
});
