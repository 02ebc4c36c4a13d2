import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test, vi } from 'vitest';

import { flawless, intervalTimes, judge } from '../support/checker.ts';
import { eventuallyPasses } from '../support/eventually.ts';
import { FakeTime } from '../support/fake-time.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';
import { isNightly } from '../support/nightly.ts';

vi.setConfig({ testTimeout: 240_000 });

const hour = 3_600;

test('law 6, a stall: what fell due while the process was stopped fires when it goes on, each once', async () => {
  const sink = await HttpSink.open();
  const forsund = await ForsundProcess.start({ store: await aStore() });
  const client = forsund.client();
  const params = { url: sink.url() };
  const due = new Map<string, readonly number[]>();
  for (const second of [1, 2, 3, 4, 5]) {
    for (const count of [1, 4]) {
      const key = `every ${second} s, ${count} times`;
      const plan = { key, second, count, action: 'http', params };
      const first = (await client.createTimeout(plan)).nextFireTime!;
      due.set(key, intervalTimes(first, second, { count, until: first + 8 }));
    }
  }
  await sleep(1_500);
  const stalledMs = isNightly ? 45_000 : 4_000;
  forsund.signal('SIGSTOP');
  await sleep(stalledMs);
  forsund.signal('SIGCONT');
  for (const [key, times] of due) await sink.until(key, times.length);
  await sleep(2_000); // whatever comes twice would
  const asked = sink.hits.filter(({ key, fireTime }) => fireTime <= due.get(key)!.at(-1)!);
  expect(judge(due, asked)).toEqual(flawless);
});

test('law 6, a clock set forward and back, with creates meanwhile and a restart: nothing early by it, nothing twice', async () => {
  const sink = await HttpSink.open();
  const time = await FakeTime.begin();
  const store = await aStore();
  let forsund = await ForsundProcess.start({ store, env: time.env });
  const params = { url: sink.url() };
  const make = async (key: string, seconds: number, count = 1): Promise<number> => {
    const plan = { key, minute: Math.floor(seconds / 60), second: seconds % 60, count };
    const earliest = Math.floor(time.nowMs() / 1000) + seconds;
    const made = await forsund.client().createTimeout({ ...plan, action: 'http', params });
    expect(made.nextFireTime).toBeGreaterThanOrEqual(earliest);
    expect(made.nextFireTime).toBeLessThanOrEqual(time.nowMs() / 1000 + seconds);
    return made.nextFireTime!;
  };
  await make('every second', 1, 0);
  await make('in an hour', hour);
  await make('soon', 2);
  await sink.until('every second', 2);
  await sink.until('soon', 1);

  time.set(hour); // a due time an hour late is a misfire: one firing for all of them, then on
  await sink.until('in an hour', 1);
  await make('made an hour ahead', 1);
  await sink.until('made an hour ahead', 1);
  await eventuallyPasses(async () => {
    expect(Number((await forsund.client().info()).get('merged_count'))).toBeGreaterThan(hour - 60);
  });
  const before = sink.of('every second').length;
  await sink.until('every second', before + 2);

  for (const offset of [0, -hour]) {
    time.set(offset);
    await make(`first at ${offset}`, 1);
    await sink.until(`first at ${offset}`, 1);
    await sleep(1_200); // what had been claimed by the old clock has come
    const { length } = sink.hits;
    await make(`made at ${offset}`, 1); // due before seconds that were visited long ago
    await sink.until(`made at ${offset}`, 1);
    await sleep(1_500);
    expect(sink.hits.slice(length).map(({ key }) => key)).toEqual([`made at ${offset}`]);
  }
  await forsund.kill('SIGKILL');
  forsund = await ForsundProcess.start({ store, env: time.env });
  await sleep(1_500);
  await make('made after the restart', 1);
  await sink.until('made after the restart', 1);

  time.set(hour + 30);
  const { length } = sink.of('every second');
  await sink.until('every second', length + 3);

  const fireIds = sink.hits.map(({ fireId }) => fireId);
  expect(fireIds.filter((id, index) => fireIds.indexOf(id) !== index)).toEqual([]);
  const early = sink.hits.filter(({ fireTime, atMs }) => fireTime * 1000 > time.latestMs(atMs));
  expect(early).toEqual([]);
  const times = sink.of('every second').map(({ fireTime }) => fireTime);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  for (const key of new Set(sink.hits.map((hit) => hit.key))) {
    if (key !== 'every second') expect(sink.of(key), key).toHaveLength(1);
  }
});
