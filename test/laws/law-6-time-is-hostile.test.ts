import { expect, test } from 'vitest';

import { addSeconds } from '../../src/core/time.ts';
import { T0 } from '../support/plans.ts';
import { every, once, Rig } from '../support/rig.ts';

test('law 6: a clock set back fires nothing twice, and what is due waits for its second', async () => {
  const rig = new Rig();
  await rig.scheduler.create(every(5, 'k'));
  await rig.pass(6);
  await rig.clock.set(addSeconds(T0, -3_600));
  await rig.pass(30);
  expect(rig.probe.fired(T0)).toEqual(['k@5']);
  await rig.clock.set(addSeconds(T0, 10));
  expect(rig.probe.fired(T0)).toEqual(['k@5', 'k@10']);
  await rig.stop();
});

test('law 6: a plan made while the clock is set back fires on its second by the new clock', async () => {
  const rig = new Rig();
  await rig.pass(100);
  await rig.clock.set(addSeconds(T0, -3_600));
  await rig.scheduler.create(once(5, 'k'));
  await rig.pass(5);
  expect(rig.probe.fired(T0)).toEqual(['k@-3595']);
  await rig.stop();
});

test('law 6: a stall over due seconds loses none of them', async () => {
  const rig = new Rig();
  for (let n = 1; n <= 20; n += 1) await rig.scheduler.create(once(n, `k${n}`));
  await rig.clock.set(addSeconds(T0, 30));
  expect(rig.probe.runs).toHaveLength(20);
  await rig.stop();
});

test('law 6: catch-up keeps to its rate and starves neither new seconds nor old ones', async () => {
  const rig = new Rig({ catchUpPerSecond: 10 });
  for (let n = 1; n <= 100; n += 1) await rig.scheduler.create(once(n, `old-${n}`));
  await rig.clock.set(addSeconds(T0, 500));
  expect(rig.probe.runs).toHaveLength(10);
  await rig.scheduler.create(once(1, 'new'));
  await rig.pass(1);
  expect(rig.probe.runs.filter(({ key }) => key === 'new')).toHaveLength(1);
  expect(rig.probe.runs).toHaveLength(21);
  await rig.pass(9);
  expect(rig.probe.runs).toHaveLength(101);
  await rig.stop();
});
