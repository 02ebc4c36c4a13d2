import { expect, test } from 'vitest';

import { addSeconds } from '../../src/core/time.ts';
import { T0 } from '../support/plans.ts';
import { every, Rig } from '../support/rig.ts';

test('law 5, no drift: ticks that come late move no later due time', async () => {
  const rig = new Rig();
  await rig.scheduler.create(every(10, 'k'));
  for (const second of [13, 27, 38, 40, 59]) await rig.clock.set(addSeconds(T0, second));
  expect(rig.probe.fired(T0)).toEqual(['k@10', 'k@20', 'k@30', 'k@40', 'k@50']);
  await rig.stop();
});

test('law 5, no drift: a slow run does not delay the next due time', async () => {
  const rig = new Rig();
  await rig.scheduler.create(every(3, 'k', { hold: '1' }));
  await rig.pass(9);
  expect(rig.probe.runs.map(({ startedAt }) => startedAt - T0)).toEqual([3, 6, 9]);
  await rig.stop();
});
