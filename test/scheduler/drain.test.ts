import { expect, test } from 'vitest';

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

test('what comes from the store while it drains goes back, its attempt unchanged', async () => {
  const rig = new Rig({ dispatch: { runs: 8, held: 100, queuedPerOrigin: 2 } }, 1);
  await rig.scheduler.create(once(1, 'runs', { target: 'a', hold: '1' }));
  for (let n = 0; n < 5; n += 1) await rig.scheduler.create(once(2, `k${n}`, { target: 'a' }));
  await rig.pass(2);
  let letGo = (): void => undefined;
  const told = new Promise<void>((resolve) => (letGo = resolve));
  const claimParked = rig.store.claimParked.bind(rig.store);
  rig.store.claimParked = async (...args) => {
    const claims = await claimParked(...args);
    await told;
    return claims;
  };
  rig.probe.runs[0]?.end({ kind: 'done' });
  await rig.clock.advance(0);
  const drained = rig.scheduler.drain(8_000);
  letGo();
  await rig.pass(10);
  await drained;
  const plans = await rig.store.getMany(['k0', 'k1', 'k2', 'k3', 'k4']);
  const states = plans.flatMap(({ unfinished }) => unfinished.map(({ state }) => state.kind));
  expect(states).not.toContain('in_flight');
  for (const { unfinished } of plans) expect(unfinished[0]?.attempt ?? 1).toBe(1);
});
