import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test, vi } from 'vitest';

import { eventuallyPasses } from '../support/eventually.ts';
import { FakeTime } from '../support/fake-time.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';

vi.setConfig({ testTimeout: 60_000 });

/** One request to the sink at a time; of what comes at once three are queued, the rest is parked. */
const narrow = ['--action-http-max-clients', '1', '--action-max-queued-per-origin', '3'];

/** Plans of one second, claimed in the order of their keys. */
const states = {
  'a-running': 'removed',
  'b-queued': 'removed',
  'c-queued': 'replaced',
  'd-parked': 'removed',
  'e-parked': 'replaced',
  'f-parked': 'left alone',
} as const;

test('law 4, cancelled: a plan removed or replaced while it runs, is queued or parked starts no more', async () => {
  const sink = await HttpSink.open();
  const forsund = await ForsundProcess.start({ store: await aStore(), args: narrow });
  const client = forsund.client();
  let release = (_status: number): void => undefined;
  const held = new Promise<number>((resolve) => (release = resolve));
  sink.answer = ({ url }) => (url === '/old/a-running' ? held : 200);
  const planOf = (key: string, generation: string) => {
    const params = { url: sink.url(`/${generation}/${key}`) };
    return { key, action: 'http', params };
  };
  const moment = aMomentIn(4);
  const olds = Object.keys(states).map((key) => ({ ...planOf(key, 'old'), ...moment }));
  await Promise.all(olds.map((plan) => client.create(plan)));
  await sink.until('a-running', 1);
  await eventuallyPasses(async () => expect((await client.info()).get('parked_count')).toBe('3'));

  for (const [key, fate] of Object.entries(states)) {
    if (fate === 'removed')
      expect(await client.remove(key)).toMatchObject({ running: key === 'd-parked' ? 0 : 1 });
    if (fate === 'replaced') await client.createTimeout({ ...planOf(key, 'new'), second: 2 });
  }
  release(500); // even a failure makes nothing of a removed plan run again
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  await sleep(2_500);
  expect(sink.hits.map(({ url }) => url).sort()).toEqual([
    ...['/new/c-queued', '/new/e-parked', '/old/a-running', '/old/f-parked'],
  ]);
});

test('law 4, cancelled: a retrying plan removed or replaced tries no more', async () => {
  const sink = await HttpSink.open();
  const time = await FakeTime.begin();
  const delay = ['--action-retry-delay-seconds', '3600', '--action-retry-delay-rate', '0'];
  const args = [...delay, '--action-retry-max-count', '1'];
  const forsund = await ForsundProcess.start({ store: await aStore(), args, env: time.env });
  const client = forsund.client();
  sink.answer = ({ url }) => (url === '/old' ? 500 : 200);
  const make = (key: string, url: string): Promise<unknown> =>
    client.createTimeout({ key, second: 0, action: 'http', params: { url: sink.url(url) } });
  for (const key of ['removed', 'replaced', 'left-alone']) {
    await make(key, '/old');
    await sink.until(key, 1);
    await eventuallyPasses(async () => expect((await client.get(key)).status).toBe(-1));
  }
  await client.remove('removed');
  await make('replaced', '/new');
  time.set(4_500);
  const all = await sink.until('left-alone', 2);
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  expect(all.map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(sink.of('removed')).toHaveLength(1);
  expect(sink.of('replaced').map(({ url, attempt }) => [url, attempt])).toEqual([
    ['/old', 1],
    ['/new', 1],
  ]);
});

test('law 4, cancelled: after the reply to remove no due time of the plan fires, at whatever moment it came', async () => {
  const sink = await HttpSink.open();
  const forsund = await ForsundProcess.start({ store: await aStore() });
  const client = forsund.client();
  const params = { url: sink.url() };
  const removedAtMs = new Map<string, number>();
  const dueTimes = new Map<string, number>();
  const cases = Array.from({ length: 300 }, async (_, n) => {
    const key = `k${n}`;
    const count = n % 2; // for ever, or once
    const plan = { key, second: 1, count, action: 'http', params };
    const { nextFireTime } = await client.createTimeout(plan);
    dueTimes.set(key, nextFireTime!);
    // Around the due second of the plan, or the second one.
    const at = (nextFireTime! + (count === 0 && n % 4 === 0 ? 1 : 0)) * 1000 - 60 + (n % 120);
    await sleep(Math.max(0, at - Date.now()));
    const isRemoved = await client.remove(key).then(
      () => true,
      () => false, // it fired, and had ended
    );
    if (isRemoved) removedAtMs.set(key, Date.now());
  });
  await Promise.all(cases);
  await sleep(2_500);
  expect(removedAtMs.size).toBeGreaterThanOrEqual(150); // all that go on for ever, at the least
  const afterRemoval = sink.hits.filter(
    ({ key, fireTime }) => fireTime * 1000 > (removedAtMs.get(key) ?? Infinity),
  );
  expect(afterRemoval).toEqual([]);
  const unheard = [...dueTimes.keys()].filter(
    (key) => !removedAtMs.has(key) && sink.of(key).length !== 1,
  );
  expect(unheard, 'ended without firing').toEqual([]);
  const hits = sink.hits.map(({ fireId }) => fireId);
  expect(new Set(hits).size).toBe(hits.length);
  expect(await client.getKeys()).toEqual([]);
});

/** The fields of one second soon, so that all that are made with them are due together. */
function aMomentIn(seconds: number) {
  const at = new Date(Date.now() + seconds * 1000);
  return {
    second: at.getUTCSeconds(),
    minute: at.getUTCMinutes(),
    hour: at.getUTCHours(),
    day: at.getUTCDate(),
    month: at.getUTCMonth() + 1,
  };
}
