import { expect, test } from 'vitest';

import { addSeconds } from '../../src/core/time.ts';
import { T0 } from '../support/plans.ts';
import { every, once, Rig } from '../support/rig.ts';

test('law 9, nothing silent: what was missed is counted and logged once', async () => {
  const rig = new Rig();
  await rig.scheduler.create(every(10, 'merges'));
  await rig.scheduler.create(every(10, 'skips', { 'forsun.misfire': 'skip' }));
  await rig.clock.set(addSeconds(T0, 1_005));
  expect(rig.counters.value('misfired_count')).toBe(1);
  expect(rig.counters.value('merged_count')).toBe(99);
  expect(rig.counters.value('skipped_count')).toBeGreaterThan(90);
  expect(rig.log.events()).toContain('due_times_missed');
  await rig.stop();
});

test('law 9, nothing silent: a retry and a giving up are counted and say why', async () => {
  const rig = new Rig();
  rig.probe.outcome = { kind: 'retry', reason: 'connection refused' };
  await rig.scheduler.create(once(1, 'k'));
  await rig.pass(40);
  expect(rig.counters.value('action_retried_count')).toBe(3);
  expect(rig.counters.value('action_executed_error_count')).toBe(1);
  const told = rig.log.lines.filter(({ fields }) => fields['reason'] === 'connection refused');
  expect(told.map(({ level }) => level)).toEqual(['warn', 'warn', 'warn', 'error']);
  const failure = { key: 'k', action: 'probe', fireTime: addSeconds(T0, 1), attempts: 4 };
  expect((await rig.scheduler.failures('k', 10)).items).toMatchObject([
    { ...failure, reason: 'connection refused' },
  ]);
  await rig.stop();
});

test('law 9, nothing silent: a stored plan whose action is off by now fails, and says why', async () => {
  const rig = new Rig();
  const draft = { key: 'k', count: 1, action: 'gone', params: new Map<string, string>() };
  const schedule = { kind: 'interval', everySeconds: 1, fields: {} } as const;
  await rig.store.put({ ...draft, schedule }, addSeconds(T0, 1));
  await rig.pass(1);
  expect(rig.log.lines.at(-1)).toMatchObject({ level: 'error', event: 'firing_failed' });
  const reason = 'no action is called "gone"; there are probe';
  expect((await rig.scheduler.failures('', 10)).items).toMatchObject([{ key: 'k', reason }]);
  expect(rig.store.planCount()).toBe(0);
  await rig.stop();
});

test('law 9, nothing silent: a stored plan whose policy is not understood fails, and says why', async () => {
  const rig = new Rig();
  const params = new Map([['forsun.newer', 'yes']]);
  const schedule = { kind: 'interval', everySeconds: 1, fields: {} } as const;
  rig.store.claim = async (until) => {
    const plan = await rig.store.get('k');
    if (plan === undefined || until < T0 + 1) return none;
    const firing = { ...plan, fireTime: addSeconds(T0, 1), attempt: 1, failures: 0, crashes: 0 };
    rig.store.claim = async () => none;
    return { ...none, claims: [{ plan, firing }] };
  };
  const none = { claims: [], merged: 0, skipped: 0, misfires: 0, moved: 0, more: false };
  await rig.store.put({ key: 'k', count: 1, action: 'probe', params, schedule }, addSeconds(T0, 1));
  await rig.pass(1);
  expect(rig.log.events()).toContain('firing_failed');
  expect(rig.probe.runs).toEqual([]);
  await rig.stop();
});

test('law 9, nothing silent: what waits for its target is told, in memory and in the store', async () => {
  const rig = new Rig({ dispatch: { runs: 8, held: 100, queuedPerOrigin: 2 } }, 1);
  expect(rig.scheduler.load()).toEqual({ queued: 0, parkedTargets: 0, stalledTargets: 0 });
  for (let n = 0; n < 5; n += 1)
    await rig.scheduler.create(once(1, `k${n}`, { target: 'a', hold: '1' }));
  await rig.pass(1);
  expect(rig.scheduler.load()).toEqual({ queued: 1, parkedTargets: 1, stalledTargets: 0 });
  await rig.pass(2);
  expect(rig.scheduler.load()).toEqual({ queued: 0, parkedTargets: 1, stalledTargets: 1 });
  const { counters } = rig;
  const inStore = (): number => counters.value('parked_count') - counters.value('unparked_count');
  expect(inStore()).toBe(4);
  rig.probe.runs[0]?.end({ kind: 'done' });
  await rig.pass(1);
  expect(inStore()).toBe(2);
  await rig.stop();
});
