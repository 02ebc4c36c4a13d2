import { describe, expect, test } from 'vitest';

import { T0 } from '../support/plans.ts';
import { once, Rig } from '../support/rig.ts';

/** Brings one plan, `victim`, into a state of its firing. */
const states: Record<string, (rig: Rig) => Promise<void>> = {
  async due(rig) {
    await rig.scheduler.create(once(1, 'victim', { target: 'a' }));
  },
  async queued(rig) {
    await rig.scheduler.create(once(1, 'blocker', { target: 'a', hold: '1' }));
    await rig.scheduler.create(once(2, 'victim', { target: 'a' }));
    await rig.pass(2);
  },
  async parked(rig) {
    await rig.scheduler.create(once(1, 'blocker', { target: 'a', hold: '1' }));
    for (const n of [1, 2]) await rig.scheduler.create(once(2, `queued-${n}`, { target: 'a' }));
    await rig.scheduler.create(once(3, 'victim', { target: 'a' }));
    await rig.pass(3);
    expect((await rig.scheduler.get('victim')).unfinished[0]?.state.kind).toBe('parked');
  },
  async retrying(rig) {
    rig.probe.outcome = { kind: 'retry', reason: 'no answer' };
    await rig.scheduler.create(once(1, 'victim', { target: 'a' }));
    await rig.pass(1);
    rig.probe.runs.splice(0);
    rig.probe.outcome = { kind: 'done' };
    expect((await rig.scheduler.get('victim')).unfinished[0]?.state.kind).toBe('waiting');
  },
};

const oneAtATime = (): Rig => new Rig({ dispatch: { runs: 8, held: 100, queuedPerOrigin: 2 } }, 1);

async function endBlocker(rig: Rig): Promise<void> {
  for (const run of rig.probe.runs) run.end({ kind: 'done' });
  await rig.pass(30);
}

describe.each(Object.entries(states))('law 4, cancelled is cancelled: when %s', (_name, reach) => {
  test('a removed plan does not fire', async () => {
    const rig = oneAtATime();
    await reach(rig);
    await rig.scheduler.remove('victim');
    await endBlocker(rig);
    expect(rig.probe.runs.filter(({ key }) => key === 'victim')).toEqual([]);
    await rig.stop();
  });

  test('a replaced plan fires for its new due time only', async () => {
    const rig = oneAtATime();
    await reach(rig);
    const replaced = await rig.scheduler.create(once(20, 'victim', { target: 'a' }));
    await endBlocker(rig);
    const fired = rig.probe.runs.filter(({ key }) => key === 'victim');
    expect(fired.map(({ fireTime }) => fireTime)).toEqual([replaced.nextFireTime]);
    await rig.stop();
  });
});

test('law 4: what runs already runs to its end, and leaves the new plan of its key alone', async () => {
  const rig = new Rig();
  await rig.scheduler.create(once(1, 'k', { hold: '1' }));
  await rig.pass(1);
  await rig.scheduler.remove('k');
  const replaced = await rig.scheduler.create(once(10, 'k'));
  expect(rig.probe.runs[0]?.signal.aborted).toBe(false);
  rig.probe.runs[0]?.end({ kind: 'retry', reason: 'no answer' });
  await rig.pass(1);
  expect(await rig.scheduler.get('k')).toEqual(replaced);
  await rig.pass(20);
  expect(rig.probe.fired(T0)).toEqual(['k@1', 'k@11']);
  await rig.stop();
});

test('law 4: a remove that overtakes a claim under way keeps its firing from starting', async () => {
  const rig = new Rig();
  await rig.scheduler.create(once(1, 'k'));
  const claim = rig.store.claim.bind(rig.store);
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  rig.store.claim = async (...args) => {
    const result = await claim(...args);
    await held;
    return result;
  };
  await rig.clock.advance(1);
  await rig.scheduler.remove('k');
  letGo();
  await rig.pass(2);
  expect(rig.probe.runs).toEqual([]);
  await rig.stop();
});

test('law 4: a failing create leaves the old plan as it was', async () => {
  const rig = new Rig();
  const old = await rig.scheduler.create(once(5, 'k'));
  await expect(rig.scheduler.create({ ...once(5, 'k'), action: 'nope' })).rejects.toMatchObject({
    code: 'unknown_action',
  });
  await expect(rig.scheduler.create(once(5, 'k', { refuse: '1' }))).rejects.toMatchObject({
    code: 'bad_argument',
  });
  await expect(rig.scheduler.create(once(-5, 'k'))).rejects.toMatchObject({ code: 'never_fires' });
  expect(await rig.scheduler.get('k')).toEqual(old);
  await rig.stop();
});
