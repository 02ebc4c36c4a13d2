import { expect, test } from 'vitest';

import { aDirectory } from '../support/database.ts';
import { LevelRig } from '../support/level-rig.ts';
import type { Outcome } from '../../src/actions/action.ts';
import { T0 } from '../support/plans.ts';
import { every, once, Rig } from '../support/rig.ts';

test('law 7: a target that never answers delays only its own plans', async () => {
  const rig = new Rig({ dispatch: { runs: 100, held: 400, queuedPerOrigin: 50 } });
  for (let n = 0; n < 1_000; n += 1)
    await rig.scheduler.create(once(1, `sick-${n}`, { target: 'sick', hold: '1' }));
  await rig.scheduler.create(every(1, 'healthy', { target: 'healthy' }));
  await rig.pass(20);
  const healthy = rig.probe.runs.filter(({ key }) => key === 'healthy');
  expect(healthy.map(({ startedAt }) => startedAt - T0)).toEqual(
    Array.from({ length: 20 }, (_, n) => n + 1),
  );
  await rig.stop();
});

test('law 7: many dead targets at once leave half of all runs to proven ones', async () => {
  const rig = new Rig({ dispatch: { runs: 10, held: 100, queuedPerOrigin: 10 } });
  await rig.scheduler.create(every(1, 'healthy', { target: 'healthy' }));
  await rig.pass(1);
  for (let n = 0; n < 500; n += 1)
    await rig.scheduler.create(once(1, `dead-${n}`, { target: `dead-${n}`, hold: '1' }));
  await rig.pass(20);
  const healthy = rig.probe.runs.filter(({ key }) => key === 'healthy');
  expect(healthy.map(({ startedAt }) => startedAt - T0)).toEqual(
    Array.from({ length: 21 }, (_, n) => n + 1),
  );
  await rig.stop();
});

test('law 7: proven targets that die with much before them leave room to the living', async () => {
  const rig = new Rig({ dispatch: { runs: 100, held: 400, queuedPerOrigin: 200 } }, 10);
  await rig.scheduler.create(every(1, 'healthy', { target: 'healthy' }));
  for (const target of ['a', 'b', 'c']) await rig.scheduler.create(once(1, target, { target }));
  await rig.pass(1);
  for (let n = 0; n < 1_500; n += 1)
    await rig.scheduler.create(once(1, `dead-${n}`, { target: 'abc'.charAt(n % 3), hold: '1' }));
  await rig.pass(20);
  const healthy = rig.probe.runs.filter(({ key }) => key === 'healthy');
  const late = healthy.filter(({ fireTime, startedAt }) => startedAt - fireTime > 2);
  expect(healthy).toHaveLength(21);
  expect(late).toEqual([]);
  await rig.stop();
});

test('law 7: of a target that fails at once no more is being settled than may run', async () => {
  const rig = new Rig({ dispatch: { runs: 64, held: 400, queuedPerOrigin: 200 } }, 16);
  let unsettled = 0;
  let most = 0;
  const settle = rig.store.settle.bind(rig.store);
  rig.store.settle = async (firing, settlement) => {
    if (settlement.kind === 'retry') most = Math.max(most, ++unsettled);
    await new Promise((resolve) => setImmediate(resolve));
    await settle(firing, settlement);
    if (settlement.kind === 'retry') unsettled -= 1;
  };
  rig.probe.outcome = { kind: 'retry', reason: 'refused' };
  await rig.scheduler.create(once(1, 'first', { target: 'a' }));
  for (let n = 0; n < 300; n += 1) await rig.scheduler.create(once(2, `k${n}`, { target: 'a' }));
  await rig.pass(5);
  expect(most).toBe(1);
  await rig.stop();
});

test('law 7: what was parked runs once its target answers again, oldest first', async () => {
  const rig = new Rig({ dispatch: { runs: 100, held: 400, queuedPerOrigin: 4 } }, 1);
  await rig.scheduler.create(once(1, 'first', { target: 'a', hold: '1' }));
  for (let n = 2; n <= 30; n += 1) await rig.scheduler.create(once(n, `k${n}`, { target: 'a' }));
  await rig.pass(31);
  expect(rig.probe.runs).toHaveLength(1);
  expect(rig.counters.value('parked_count')).toBeGreaterThan(0);
  rig.probe.runs[0]?.end({ kind: 'done' });
  await rig.pass(10);
  expect(rig.probe.fired(T0)).toEqual([
    'first@1',
    ...Array.from({ length: 29 }, (_, n) => `k${n + 2}@${n + 2}`),
  ]);
  await rig.stop();
});

test("law 7: a plan's own limit of runs holds for those that set the same, and slows no other", async () => {
  const rig = new Rig();
  const plans = { limited: { max_runs: '1' }, wider: { max_runs: '2' }, free: {} };
  for (const [name, params] of Object.entries(plans))
    for (let n = 0; n < 3; n += 1)
      await rig.scheduler.create(once(1, `${name}${n}`, { target: 'a', hold: '1', ...params }));
  await rig.pass(1);
  const started = (name: string): number =>
    rig.probe.runs.filter(({ key }) => key.startsWith(name)).length;
  expect([started('limited'), started('wider'), started('free')]).toEqual([1, 2, 3]);
  rig.probe.runs.find(({ key }) => key === 'limited0')?.end({ kind: 'done' });
  await rig.pass(1);
  expect(started('limited')).toBe(2);
  await rig.stop();
});

test('law 7: an action that throws costs its own firing, no tick and no other plan', async () => {
  const rig = new Rig();
  rig.probe.outcome = 'throw';
  await rig.scheduler.create(once(1, 'broken'));
  await rig.pass(1);
  rig.probe.outcome = { kind: 'done' };
  await rig.scheduler.create(once(1, 'sound'));
  await rig.pass(1);
  expect(rig.probe.fired(T0)).toEqual(['broken@1', 'sound@2']);
  expect(rig.log.events()).toContain('firing_failed');
  await rig.stop();
});

test.each([
  ['an error', new TypeError('a bug'), 'TypeError: a bug'],
  ['what cannot be shown', Object.create(null), 'it threw what cannot be shown'],
])(
  'law 7: %s that an action throws, early or late, costs neither room nor what is due beside it',
  async (_what, thrown: unknown, text) => {
    const rig = new Rig({ dispatch: { runs: 2, held: 4, queuedPerOrigin: 2 } });
    for (let n = 1; n <= 10; n += 1) {
      await rig.scheduler.create(once(n, `a${n}`, { breaks: '' }));
      await rig.scheduler.create(once(n, `b${n}`));
    }
    rig.probe.outcome = 'throw';
    rig.probe.thrown = thrown;
    await rig.pass(11);
    expect(rig.probe.fired(T0)).toEqual(Array.from({ length: 10 }, (_, n) => `b${n + 1}@${n + 1}`));
    const { items } = await rig.scheduler.failures('', 100);
    expect(items).toHaveLength(20);
    for (const { reason } of items) expect(reason).toContain(text);
    await rig.stop();
  },
);

test('law 7: an action whose answer is no outcome costs its own firing only', async () => {
  const rig = new Rig();
  for (const answer of [undefined, 'done', {}, { kind: 'retry', afterSeconds: Number.NaN }]) {
    rig.probe.outcome = answer as unknown as Outcome;
    await rig.scheduler.create(once(1, 'broken'));
    await rig.pass(1);
    expect(rig.store.planCount()).toBe(0);
  }
  expect(rig.counters.value('action_executed_error_count')).toBe(4);
  await rig.stop();
});

test('law 7: an action that ignores its deadline is given up', async () => {
  const rig = new Rig({}, 1);
  await rig.scheduler.create(
    once(1, 'deaf', { target: 'a', hold: 'ignoreAbort', 'forsun.timeout': '5' }),
  );
  await rig.scheduler.create(once(2, 'next', { target: 'a' }));
  await rig.pass(10);
  expect(rig.probe.fired(T0)).toEqual(['deaf@1']);
  await rig.pass(20);
  expect(rig.probe.fired(T0)).toContain('next@2');
  await rig.stop();
});

test('law 7: a store that is away for a while stops no clock: what fell due fires on return', async () => {
  const rig = new Rig();
  await rig.scheduler.create(once(2, 'k'));
  rig.store.outage = 'the disk is full';
  await rig.pass(5);
  await expect(rig.scheduler.create(once(2, 'refused'))).rejects.toMatchObject({
    code: 'plan_not_stored',
  });
  expect(rig.probe.runs).toEqual([]);
  rig.store.outage = undefined;
  await rig.pass(1);
  expect(rig.probe.fired(T0)).toEqual(['k@2']);
  await rig.stop();
});

test('law 7, no plan hurts another: ended plans that go hold up nobody who is due', async () => {
  const rig = await LevelRig.open(await aDirectory(), {
    store: { statusKeepSeconds: 2 },
    scheduler: { claimSize: 8 },
  });
  for (let n = 0; n < 40; n += 1) await rig.scheduler.create(once(1, `ended${n}`));
  await rig.pass(2);
  for (let n = 0; n < 40; n += 1) await rig.scheduler.create(once(2, `fresh${n}`));
  await rig.pass(2);
  expect(rig.probe.runs.filter(({ fireTime }) => fireTime === T0 + 4)).toHaveLength(40);
  expect(rig.store.planCount()).toBe(40);
  await rig.stop();
});
