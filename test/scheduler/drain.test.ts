import { expect, test } from 'vitest';

import { dispatchDefaults } from '../../src/scheduler/lanes.ts';
import { ServerStopping } from '../../src/scheduler/run.ts';
import { T0 } from '../support/plans.ts';
import { once, Rig } from '../support/rig.ts';

test('what had not started goes back to the agenda with its attempt unchanged', async () => {
  const rig = new Rig({}, 1);
  await rig.scheduler.create(once(1, 'runs', { target: 'a', hold: '1' }));
  await rig.scheduler.create(once(1, 'waits', { target: 'a' }));
  await rig.pass(1);
  const drained = rig.scheduler.drain(8_000);
  await rig.clock.advance(0);
  expect(rig.probe.fired(T0)).toEqual(['runs@1']);
  expect((await rig.store.get('waits'))?.unfinished).toEqual([
    expect.objectContaining({ attempt: 1, state: { kind: 'waiting', until: T0 + 1 } }),
  ]);
  rig.probe.runs[0]?.end({ kind: 'done' });
  await drained;
  expect(await rig.store.get('runs')).toBeUndefined();
});

test('what is fetched from the parked while it drains goes back too, and is waited for', async () => {
  const dispatch = { ...dispatchDefaults, queuedPerOrigin: 1 };
  const rig = new Rig({ dispatch }, 1);
  await rig.scheduler.create(once(1, 'runs', { target: 'a', hold: '1' }));
  await rig.scheduler.create(once(1, 'parked', { target: 'a' }));
  await rig.pass(1);
  expect((await rig.store.get('parked'))?.unfinished[0]?.state.kind).toBe('parked');
  let letStoreAnswer = (): void => undefined;
  const answers = new Promise<void>((resolve) => (letStoreAnswer = resolve));
  const claimParked = rig.store.claimParked.bind(rig.store);
  rig.store.claimParked = async (origin, limit) => {
    const claims = await claimParked(origin, limit);
    await answers;
    return claims;
  };
  rig.probe.runs[0]?.end({ kind: 'done' });
  await rig.clock.advance(0);
  let isDrained = false;
  const drained = rig.scheduler.drain(8_000).then(() => (isDrained = true));
  await rig.clock.advance(0);
  expect(isDrained).toBe(false);
  letStoreAnswer();
  await rig.clock.advance(0);
  expect(isDrained).toBe(true);
  await drained;
  expect(rig.probe.fired(T0)).toEqual(['runs@1']);
  expect((await rig.store.get('parked'))?.unfinished).toEqual([
    expect.objectContaining({ attempt: 1, state: { kind: 'waiting', until: T0 + 1 } }),
  ]);
});

test('what still runs when the grace is over is cut, and stays in flight for the next start', async () => {
  const rig = new Rig();
  await rig.scheduler.create(once(1, 'long', { hold: '1' }));
  await rig.pass(1);
  const drained = rig.scheduler.drain(8_000);
  await rig.pass(7);
  expect(rig.probe.runs[0]?.signal.aborted).toBe(false);
  await rig.pass(5);
  await drained;
  expect(rig.probe.runs[0]?.signal.reason).toBeInstanceOf(ServerStopping);
  expect((await rig.store.get('long'))?.unfinished[0]).toMatchObject({
    attempt: 1,
    state: { kind: 'in_flight' },
  });
});

test('a drained scheduler claims nothing more', async () => {
  const rig = new Rig();
  await rig.scheduler.create(once(5, 'later'));
  await rig.stop();
  await rig.pass(10);
  expect(rig.probe.runs).toEqual([]);
  expect((await rig.store.get('later'))?.nextFireTime).toBe(T0 + 5);
});
