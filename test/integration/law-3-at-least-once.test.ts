import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test, vi } from 'vitest';

import { type Crash, flawless, intervalTimes, judge } from '../support/checker.ts';
import { aDirectory } from '../support/database.ts';
import { eventually, eventuallyPasses } from '../support/eventually.ts';
import { FakeTime } from '../support/fake-time.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';
import { isNightly } from '../support/nightly.ts';

vi.setConfig({ testTimeout: 120_000 });

const never = new Promise<number>(() => undefined);

test('law 3, at least once: a request in flight at kill -9 is made again, same fire id, attempt 2', async () => {
  const sink = await HttpSink.open();
  const store = await aStore();
  const forsund = await ForsundProcess.start({ store });
  sink.answer = () => never;
  const params = { url: sink.url() };
  await forsund.client().createTimeout({ key: 'k', second: 0, action: 'http', params });
  await sink.until('k', 1);
  await forsund.kill('SIGKILL');

  sink.answer = () => 200;
  const again = await ForsundProcess.start({ store });
  const [first, second] = await sink.until('k', 2);
  expect(second).toEqual(expect.objectContaining({ attempt: 2, fireId: first!.fireId }));
  expect(second!.fireTime).toBe(first!.fireTime);
  await gone(again, 'k');
  expect(sink.of('k')).toHaveLength(2);
});

test('law 3, at least once: a command in flight at kill -9 runs again, same fire id, attempt 2', async () => {
  const store = await aStore();
  const marks = join(await aDirectory(), 'marks');
  const cmd = `echo "$FORSUN_FIRE_ID $FORSUN_ATTEMPT" >> ${marks}; [ $FORSUN_ATTEMPT = 2 ] || sleep 3`;
  const forsund = await ForsundProcess.start({ store });
  await forsund.client().createTimeout({ key: 'k', second: 0, params: { cmd } });
  const lines = (): string[] => readFileSync(marks, { encoding: 'utf8', flag: 'a+' }).split('\n');
  await eventually(() => lines().length > 1);
  await forsund.kill('SIGKILL');

  const again = await ForsundProcess.start({ store });
  await gone(again, 'k');
  const [first = '', second, ...rest] = lines();
  expect(first).toMatch(/^k:\d+:\d+ 1$/);
  expect([second, ...rest]).toEqual([first.replace(/1$/, '2'), '']);
});

test('law 3, at least once: a pending retry survives kill -9, comes no earlier, and goes with its plan', async () => {
  const sink = await HttpSink.open();
  const store = await aStore();
  const time = await FakeTime.begin();
  const args = ['--action-retry-delay-seconds', '3600', '--action-retry-delay-rate', '0'];
  const options = { store, args, env: time.env };
  const forsund = await ForsundProcess.start(options);
  sink.answer = ({ url, attempt }) => (url === '/fails' && attempt === 1 ? 500 : 200);
  for (const key of ['kept', 'removed', 'removed-after']) {
    const params = { url: sink.url('/fails') };
    await forsund.client().createTimeout({ key, second: 0, action: 'http', params });
    await sink.until(key, 1);
    await failed(forsund, key);
  }
  await forsund.client().remove('removed');
  await forsund.kill('SIGKILL');

  const again = await ForsundProcess.start(options);
  await again.client().remove('removed-after');
  const params = { url: sink.url() };
  for (const [offset, key] of [
    [3_000, 'too early'],
    [4_500, 'all would be due'],
  ] as const) {
    time.set(offset);
    await again.client().createTimeout({ key, second: 1, action: 'http', params });
    await sink.until(key, 1);
    await gone(again, key);
  }
  const [first, second] = await sink.until('kept', 2);
  expect(second).toMatchObject({ attempt: 2, fireId: first!.fireId });
  await gone(again, 'kept');
  const keys = sink.hits.map(({ key }) => key);
  expect(keys.slice(0, 4)).toEqual(['kept', 'removed', 'removed-after', 'too early']);
  expect(keys.slice(4).toSorted()).toEqual(['all would be due', 'kept']);
});

test('law 3, once: every due time of many plans is delivered once, none early, over a kill -9', async () => {
  const seconds = isNightly ? 600 : 18;
  const count = isNightly ? 2_000 : 150;
  const sink = await HttpSink.open();
  const store = await aStore();
  let forsund = await ForsundProcess.start({ store });
  const client = forsund.client();
  const due = new Map<string, readonly number[]>();
  const until = Math.floor(Date.now() / 1000) + seconds;
  const params = { url: sink.url() };
  for (let n = 0; n < count; n++) {
    const key = `interval/${n}`;
    const [second, firings] = [1 + (n % 7), n % 4];
    const plan = { key, second, count: firings, action: 'http', params };
    const first = (await client.createTimeout(plan)).nextFireTime!;
    due.set(key, intervalTimes(first, second, { count: firings || Infinity, until }));
  }
  for (let n = 0; n < 20; n++) {
    const key = `cron/${n}`;
    const cron = { ...params, 'forsun.cron': `*/${1 + (n % 6)} * * * * *` };
    const first = (await client.create({ key, action: 'http', params: cron })).nextFireTime!;
    const times = intervalTimes(first, 1, { until });
    due.set(
      key,
      times.filter((time) => (time % 60) % (1 + (n % 6)) === 0),
    );
  }
  for (let second = 0; second < 60; second++) {
    const key = `calendar/${second}`;
    const first = (await client.create({ key, second, action: 'http', params })).nextFireTime!;
    due.set(key, intervalTimes(first, 60, { until }));
  }

  const crashes: Crash[] = [];
  do {
    await sleep(5_000 + Math.random() * 2_000);
    await forsund.kill('SIGKILL');
    crashes.push({ atMs: Date.now() });
    forsund = await ForsundProcess.start({ store });
  } while (Date.now() < (until - 8) * 1000);
  await eventuallyPasses(() => expect(judge(due, sink.hits).missed).toEqual([])).catch(
    () => undefined,
  ); // the judgement below says what is missing
  await sleep(Math.max(0, (until + 1) * 1000 - Date.now()));
  const asked = sink.hits.filter(({ fireTime }) => fireTime <= until);
  expect(asked.length).toBeGreaterThan(count * 2);
  expect(judge(due, asked, crashes)).toEqual(flawless);
});

/** Resolves once the plan has ended. */
async function gone(forsund: ForsundProcess, key: string): Promise<void> {
  const client = forsund.client();
  await eventuallyPasses(async () => expect(await client.getKeys()).not.toContain(key));
}

/** Resolves once the plan's first attempt has failed, durably. */
async function failed(forsund: ForsundProcess, key: string): Promise<void> {
  const client = forsund.client();
  await eventuallyPasses(async () => expect((await client.get(key)).status).toBe(-1));
}
