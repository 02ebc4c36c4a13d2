import { describe, expect, onTestFinished, test } from 'vitest';

import { aDirectory } from '../support/database.ts';
import { LevelRig } from '../support/level-rig.ts';
import { T0 } from '../support/plans.ts';
import { every, once, Rig } from '../support/rig.ts';

test('a triggered plan runs in the same second, under a fire id that says so', async () => {
  const rig = new Rig();
  const { generation } = await rig.scheduler.create(once(1_000, 'k'));
  await rig.pass(7);
  const triggered = await rig.scheduler.trigger('k');
  await rig.clock.advance(0);
  const fireId = `k:${generation}:${T0 + 7}:t1`;
  expect(triggered).toEqual({ fireId, fireTime: T0 + 7 });
  expect(rig.probe.runs).toMatchObject([{ fireId, fireTime: T0 + 7, attempt: 1 }]);
  expect(rig.counters.value('triggered_count')).toBe(1);
  await rig.stop();
});

test('what is triggered touches neither schedule nor count: each due time fires as it would have', async () => {
  const rig = new Rig();
  await rig.scheduler.create(every(5, 'k', {}, 3));
  for (let second = 0; second < 20; second += 1) {
    if (second < 15) await rig.scheduler.trigger('k');
    await rig.pass(1);
  }
  const ofDueTimes = rig.probe.runs.filter(({ fireId }) => !fireId.includes(':t'));
  expect(ofDueTimes.map(({ startedAt }) => startedAt - T0)).toEqual([5, 10, 15]);
  expect(rig.probe.runs).toHaveLength(3 + 15);
  expect(new Set(rig.probe.runs.map(({ fireId }) => fireId)).size).toBe(3 + 15);
  await expect(rig.scheduler.trigger('k')).rejects.toMatchObject({ code: 'plan_not_found' });
  await rig.stop();
});

test('it is tried again as any firing, under one fire id, and told of by its number', async () => {
  const rig = new Rig();
  rig.probe.outcome = { kind: 'retry', reason: 'no answer' };
  await rig.scheduler.create(once(1_000, 'k'));
  const { fireId } = await rig.scheduler.trigger('k');
  await rig.clock.advance(0);
  await rig.pass(40);
  expect(rig.probe.runs.map(({ startedAt }) => startedAt - T0)).toEqual([0, 6, 15, 27]);
  expect(new Set(rig.probe.runs.map((run) => run.fireId))).toEqual(new Set([fireId]));
  const fields = { key: 'k', fireTime: T0, trigger: 1, attempt: 4 };
  expect(rig.log.lines.at(-1)).toMatchObject({ event: 'firing_failed', fields });
  expect(await rig.scheduler.get('k')).toMatchObject({ firedCount: 0, nextFireTime: T0 + 1_000 });
  await rig.stop();
});

test('a plan whose runs never overlap is not triggered while it runs, nor due while it is', async () => {
  const rig = new Rig();
  await rig.scheduler.create(every(5, 'k', { hold: '1', 'forsun.max_unfinished': '1' }));
  await rig.scheduler.trigger('k');
  await rig.pass(5);
  const refused = expect(rig.scheduler.trigger('k')).rejects;
  await refused.toMatchObject({
    code: 'too_many_unfinished',
    message: 'the plan "k" has all the unfinished firings it may have: 1',
  });
  expect(rig.probe.fired(T0)).toEqual(['k@0']);
  rig.probe.runs[0]?.end({ kind: 'done' });
  await rig.pass(5);
  expect(rig.probe.fired(T0)).toEqual(['k@0', 'k@10']);
  await rig.stop();
});

test('nobody is told of a firing that is not stored', async () => {
  const rig = new Rig();
  await rig.scheduler.create(once(1_000, 'k'));
  rig.store.outage = 'the disk is full';
  await expect(rig.scheduler.trigger('k')).rejects.toMatchObject({ code: 'plan_not_stored' });
  rig.store.outage = undefined;
  await rig.pass(3);
  expect(rig.probe.runs).toEqual([]);
  expect(rig.counters.value('triggered_count')).toBe(0);
  await rig.stop();
});

test('a process that dies at any moment leaves a triggered firing to the next one, and fires it once', async () => {
  const rig = await LevelRig.open(await aDirectory());
  await rig.scheduler.create(once(1_000, 'k', { hold: '1' }));
  const { fireId } = await rig.scheduler.trigger('k');
  await rig.rest();
  await rig.kill();
  await rig.start();
  await rig.pass(1);
  expect(rig.probe.runs).toMatchObject([
    { fireId, attempt: 1 },
    { fireId, attempt: 2 },
  ]);
  rig.probe.runs[1]?.end({ kind: 'done' });
  await rig.rest();
  await rig.kill();
  await rig.start();
  await rig.pass(30);
  expect(rig.probe.runs).toHaveLength(2);
  expect((await rig.scheduler.get('k')).unfinished).toEqual([]);
  await rig.stop();
});

describe('over a real store', () => {
  async function aRig(): Promise<LevelRig> {
    const rig = await LevelRig.open(await aDirectory());
    onTestFinished(() => rig.stop());
    return rig;
  }

  const fireIds = ({ probe }: LevelRig): readonly string[] => probe.runs.map((run) => run.fireId);

  test.each(['before', 'after'])(
    'triggered in the second of a due time, and %s it is claimed, both fire, under two fire ids',
    async (order) => {
      const rig = await aRig();
      const { generation } = await rig.scheduler.create(every(5, 'k', {}, 2));
      await rig.pass(order === 'before' ? 4 : 5);
      const second = order === 'before' ? rig.clock.advance(1) : undefined;
      const { fireId } = await rig.scheduler.trigger('k');
      await second;
      await rig.pass(1);
      const due = `k:${generation}:${T0 + 5}`;
      expect(fireId).toBe(`${due}:t1`);
      expect([...fireIds(rig)].sort()).toEqual([due, fireId]);
      await rig.pass(20);
      expect(fireIds(rig)).toHaveLength(3);
    },
  );

  test('what is triggered several times at once fires as often, each under its number', async () => {
    const rig = await aRig();
    const { generation } = await rig.scheduler.create(once(1_000, 'k'));
    const triggered = await Promise.all([1, 2, 3].map(() => rig.scheduler.trigger('k')));
    const expected = [1, 2, 3].map((number) => `k:${generation}:${T0}:t${number}`);
    expect(triggered.map(({ fireId }) => fireId)).toEqual(expected);
    await rig.pass(1);
    expect(fireIds(rig)).toEqual(expected);
  });

  test('of those asked for at once no more fire than may be unfinished; the others are refused', async () => {
    const rig = await aRig();
    await rig.scheduler.create(once(1_000, 'k', { hold: '1', 'forsun.max_unfinished': '2' }));
    const asked = await Promise.allSettled([1, 2, 3].map(() => rig.scheduler.trigger('k')));
    expect(asked).toMatchObject([
      { status: 'fulfilled' },
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'too_many_unfinished' } },
    ]);
    await rig.pass(1);
    expect(rig.probe.runs).toHaveLength(2);
    rig.probe.runs[0]?.end({ kind: 'done' });
    await rig.rest();
    expect(await rig.scheduler.trigger('k')).toMatchObject({
      fireId: expect.stringMatching(/:t3$/) as unknown,
    });
  });

  test.each([
    ['removed', (rig: LevelRig) => rig.scheduler.remove('k')],
    ['replaced', (rig: LevelRig) => rig.scheduler.create(once(1_000, 'k'))],
  ])(
    'law 4: once it is answered that its plan is %s, what was triggered does not start',
    async (_how, end) => {
      const rig = await aRig();
      await rig.scheduler.create(once(1_000, 'k'));
      await Promise.all([rig.scheduler.trigger('k'), end(rig)]);
      await rig.pass(5);
      expect(rig.probe.runs).toEqual([]);

      await rig.scheduler.create(once(1_000, 'k'));
      await rig.scheduler.trigger('k');
      await end(rig);
      const started = rig.probe.runs.length;
      await rig.pass(5);
      expect(rig.probe.runs).toHaveLength(started);
    },
  );

  test('law 1: a process that dies as soon as it has answered leaves the firing to the next one', async () => {
    const rig = await aRig();
    await rig.scheduler.create(once(1_000, 'k'));
    const { fireId } = await rig.scheduler.trigger('k');
    await rig.kill();
    expect(rig.probe.runs).toEqual([]);
    await rig.start();
    await rig.pass(5);
    expect(rig.probe.runs).toMatchObject([{ fireId, attempt: 1 }]);
  });

  test('a disk that breaks while it is noted leaves the outcome open: it fires once, or not at all', async () => {
    for (const [fault, runs] of [
      ['lost', 0],
      ['landed', 1],
    ] as const) {
      const rig = await aRig();
      await rig.scheduler.create(once(1_000, 'k'));
      rig.disk.failNext(fault);
      const asked = expect(rig.scheduler.trigger('k')).rejects;
      await asked.toMatchObject({ code: 'plan_not_stored' });
      await rig.disk.heal();
      await rig.pass(5);
      expect(rig.probe.runs).toHaveLength(runs);
      const { fireId } = await rig.scheduler.trigger('k');
      await rig.pass(1);
      expect(fireIds(rig)).toEqual([...fireIds(rig).slice(0, runs), fireId]);
      expect(new Set(fireIds(rig)).size).toBe(runs + 1);
    }
  });

  test('law 6: a clock set back to that second makes another firing of the next trigger', async () => {
    const rig = await aRig();
    await rig.scheduler.create(once(1_000, 'k'));
    await rig.scheduler.trigger('k');
    await rig.pass(10);
    await rig.set(T0);
    await rig.scheduler.trigger('k');
    await rig.pass(1);
    expect(rig.probe.runs.map(({ fireTime }) => fireTime)).toEqual([T0, T0]);
    expect(new Set(fireIds(rig)).size).toBe(2);
  });
});
