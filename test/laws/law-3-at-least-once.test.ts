import { expect, test } from 'vitest';

import { addSeconds } from '../../src/core/time.ts';
import { T0 } from '../support/plans.ts';
import { every, once, Rig } from '../support/rig.ts';

test('law 3, once: a plan of five firings fires five times and is gone', async () => {
  const rig = new Rig();
  await rig.scheduler.create(every(2, 'five', {}, 5));
  await rig.pass(20);
  expect(rig.probe.fired(T0)).toEqual(['five@2', 'five@4', 'five@6', 'five@8', 'five@10']);
  await expect(rig.scheduler.get('five')).rejects.toMatchObject({ code: 'plan_not_found' });
  await rig.stop();
});

test('law 3, once: a failed attempt is made again at +6, +9 and +12 s, under one fire id', async () => {
  const rig = new Rig();
  rig.probe.outcome = { kind: 'retry', reason: 'no answer' };
  await rig.scheduler.create(once(1, 'k'));
  await rig.pass(40);
  const { runs } = rig.probe;
  expect(runs.map(({ startedAt }) => startedAt - T0)).toEqual([1, 7, 16, 28]);
  expect(runs.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
  expect(new Set(runs.map(({ fireId }) => fireId)).size).toBe(1);
  expect(rig.store.planCount()).toBe(0);
  expect(rig.counters.value('action_executed_error_count')).toBe(1);
  await rig.stop();
});

test('law 3, once: the retries a plan asks for are its own', async () => {
  const rig = new Rig();
  rig.probe.outcome = { kind: 'retry', reason: 'no answer' };
  await rig.scheduler.create(once(1, 'never-again', { 'forsun.retries': '0' }));
  await rig.pass(40);
  expect(rig.probe.runs).toHaveLength(1);
  await rig.stop();
});

test('law 3, once: a new due time does not reset the retries of an older firing', async () => {
  const rig = new Rig();
  rig.probe.outcome = { kind: 'retry', reason: 'no answer' };
  await rig.scheduler.create(every(5, 'k'));
  await rig.pass(60);
  const first = rig.probe.runs.filter(({ fireTime }) => fireTime === T0 + 5);
  expect(first.map(({ startedAt }) => startedAt - T0)).toEqual([5, 11, 20, 32]);
  await rig.stop();
});

test('law 3: a due time beyond the limit of unfinished firings is merged, and counted', async () => {
  const rig = new Rig();
  await rig.scheduler.create(every(1, 'slow', { hold: '1', 'forsun.max_unfinished': '1' }));
  await rig.pass(10);
  expect(rig.probe.fired(T0)).toEqual(['slow@1']);
  expect(rig.counters.value('merged_count')).toBe(9);
  rig.probe.runs[0]?.end({ kind: 'done' });
  await rig.pass(1);
  expect(rig.probe.fired(T0)).toEqual(['slow@1', 'slow@11']);
  await rig.stop();
});

test('law 3: what a long sleep missed fires once, for the newest due time, and on', async () => {
  const rig = new Rig();
  await rig.scheduler.create(every(10, 'k'));
  await rig.clock.set(addSeconds(T0, 1_005));
  expect(rig.probe.fired(T0)).toEqual(['k@1000']);
  expect(rig.counters.value('merged_count')).toBe(99);
  await rig.clock.set(addSeconds(T0, 1_010));
  expect(rig.probe.fired(T0)).toEqual(['k@1000', 'k@1010']);
  await rig.stop();
});

test('law 3: a one-shot fires however late it is', async () => {
  const rig = new Rig();
  await rig.scheduler.create(once(10, 'k', { 'forsun.misfire': 'skip' }));
  await rig.clock.set(addSeconds(T0, 30 * 86_400));
  expect(rig.probe.fired(T0)).toEqual(['k@10']);
  await rig.stop();
});

test('law 3: fire_all makes up the newest hundred in order, ten unfinished at a time', async () => {
  const rig = new Rig();
  await rig.scheduler.create(every(10, 'k', { hold: '1', 'forsun.misfire': 'fire_all' }));
  await rig.clock.set(addSeconds(T0, 10_000));
  expect(rig.probe.runs).toHaveLength(10);
  for (let n = 0; n < rig.probe.runs.length && n < 200; n += 1) {
    rig.probe.runs[n]?.end({ kind: 'done' });
    await rig.clock.advance(0);
    await rig.clock.set(rig.clock.now());
    if (n % 10 === 9) await rig.pass(1);
  }
  const made = rig.probe.runs.map(({ fireTime }) => fireTime - T0);
  expect(made.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, n) => 9_010 + 10 * n));
  await rig.stop();
});

test('law 3: what says that it is done after its deadline is done, and not made again', async () => {
  const rig = new Rig();
  await rig.scheduler.create(once(1, 'k', { hold: 'ignoreAbort', 'forsun.timeout': '5' }));
  await rig.pass(7);
  expect(rig.probe.runs[0]?.signal.aborted).toBe(true);
  rig.probe.runs[0]?.end({ kind: 'done' });
  await rig.pass(30);
  expect(rig.probe.fired(T0)).toEqual(['k@1']);
  expect(rig.store.planCount()).toBe(0);
  await rig.stop();
});
