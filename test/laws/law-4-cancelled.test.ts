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
  async triggered(rig) {
    await rig.scheduler.create(once(1, 'blocker', { target: 'a', hold: '1' }));
    await rig.scheduler.create(once(1_000, 'victim', { target: 'a' }));
    await rig.pass(1);
    await rig.scheduler.trigger('victim');
    expect((await rig.scheduler.get('victim')).unfinished).toMatchObject([{ trigger: 1 }]);
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

/** Lets the store do what was asked, and holds back its answer until told. */
function holdAnswers(rig: Rig, method: 'claim' | 'claimParked'): () => void {
  let letGo = (): void => undefined;
  const told = new Promise<void>((resolve) => (letGo = resolve));
  const { store } = rig;
  const held = async <T>(answer: Promise<T>): Promise<T> => {
    const result = await answer;
    await told;
    return result;
  };
  const claim = store.claim.bind(store);
  const claimParked = store.claimParked.bind(store);
  if (method === 'claim') store.claim = (...args) => held(claim(...args));
  else store.claimParked = (...args) => held(claimParked(...args));
  return letGo;
}

test('law 4: a remove that overtakes a claim under way keeps its firing from starting', async () => {
  const rig = new Rig();
  await rig.scheduler.create(once(1, 'k'));
  const letGo = holdAnswers(rig, 'claim');
  await rig.clock.advance(1);
  await rig.scheduler.remove('k');
  letGo();
  await rig.pass(2);
  expect(rig.probe.runs).toEqual([]);
  await rig.stop();
});

test('law 4: a remove that overtakes the fetching of parked firings keeps it from starting', async () => {
  const rig = oneAtATime();
  await states['parked']?.(rig);
  const letGo = holdAnswers(rig, 'claimParked');
  for (const run of rig.probe.runs) run.end({ kind: 'done' });
  await rig.pass(1);
  await rig.scheduler.remove('victim');
  letGo();
  await rig.pass(5);
  expect(rig.probe.runs.filter(({ key }) => key === 'victim')).toEqual([]);
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
