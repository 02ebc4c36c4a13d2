import { expect, test } from 'vitest';

import type { RestoreRequest } from '../../src/core/plan-restore.ts';
import { addSeconds } from '../../src/core/time.ts';
import { T0 } from '../support/plans.ts';
import { every, Rig } from '../support/rig.ts';

const standing = (dueIn: number, overrides: Partial<RestoreRequest> = {}): RestoreRequest => ({
  ...every(10, 'k', {}, 3),
  ...{ nextFireTime: addSeconds(T0, dueIn), createdTime: addSeconds(T0, -1_000) },
  ...{ firedCount: 1, status: 1 },
  ...overrides,
});

test('a restored plan fires at its due time, and then as often as was left', async () => {
  const rig = new Rig();
  const plan = await rig.scheduler.restore(standing(3));
  expect(plan).toMatchObject({ firedCount: 1, createdTime: T0 - 1_000, nextFireTime: T0 + 3 });
  await rig.pass(40);
  expect(rig.probe.runs.map(({ startedAt }) => startedAt - T0)).toEqual([3, 13]);
  expect(rig.counters.value('restored_count')).toBe(1);
  expect(rig.counters.value('create_timeouted_count')).toBe(0);
  await rig.stop();
});

test('one that is overdue fires at once, by its misfire policy', async () => {
  const rig = new Rig();
  await rig.scheduler.restore(standing(-605, { count: 0 }));
  await rig.clock.advance(0);
  expect(rig.probe.runs).toMatchObject([{ fireTime: T0 - 5, startedAt: T0 }]);
  expect(rig.counters.value('merged_count')).toBe(60);
  await rig.stop();
});

test('restored twice it is the same plan, and fires once for each due time', async () => {
  const rig = new Rig();
  const { generation: first, ...plan } = await rig.scheduler.restore(standing(3));
  const { generation: second, ...again } = await rig.scheduler.restore(standing(3));
  expect(again).toEqual(plan);
  expect(second).toBeGreaterThan(first);
  await rig.pass(40);
  expect(rig.probe.runs.map(({ startedAt }) => startedAt - T0)).toEqual([3, 13]);
  await rig.stop();
});

test('what is there is replaced with its firings, or stays when that is wished', async () => {
  const rig = new Rig();
  rig.probe.outcome = { kind: 'retry', reason: 'no answer' };
  await rig.scheduler.create(every(1, 'k', {}, 1));
  await rig.pass(2);
  const kept = rig.scheduler.restore(standing(100), { onlyIfAbsent: true });
  await expect(kept).rejects.toMatchObject({ code: 'plan_exists' });
  await rig.scheduler.restore(standing(100));
  await rig.pass(60);
  expect(rig.probe.runs).toHaveLength(1);
  await rig.stop();
});

test('an action refuses params that it cannot run, and none that is unknown is taken', async () => {
  const rig = new Rig();
  const restore = rig.scheduler.restore(standing(3, { action: 'bogus' }));
  await expect(restore).rejects.toMatchObject({ code: 'unknown_action' });
  await rig.stop();
});
