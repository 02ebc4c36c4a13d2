import { expect, onTestFinished, test } from 'vitest';

import { ActionRegistry } from '../../src/actions/action.ts';
import { addSeconds } from '../../src/core/time.ts';
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import { T0 } from '../support/plans.ts';
import { once, Rig, schedulerDefaults } from '../support/rig.ts';

function anAgent(): Rig {
  const rig = new Rig({ isAgent: true });
  onTestFinished(() => rig.stop());
  return rig;
}

test('an agent takes plans and fires none, though they be due; it is not behind for that', async () => {
  const rig = anAgent();
  await rig.scheduler.create(once(0, 'now'));
  await rig.scheduler.create(once(2, 'soon'));
  await rig.scheduler.trigger('soon');
  await rig.pass(5);
  expect(rig.probe.runs).toEqual([]);
  expect(await rig.scheduler.keys('')).toEqual(['now', 'soon']);
  expect(rig.scheduler.pulse()).toEqual({ tickAgeSeconds: 0, claimLagSeconds: 0 });
});

test('an agent leaves what is parked to servers that fire', async () => {
  const rig = anAgent();
  const { clock, counters, log, probe, scheduler, store } = rig;
  await scheduler.create(once(0, 'parked'));
  const room = { firings: 1, late: 1, lateBefore: T0 };
  for (const { firing } of (await store.claim(addSeconds(T0, 1), room)).claims) {
    await store.settle(firing, { kind: 'parked', origin: 'probe' });
  }
  for (const isAgent of [true, false]) {
    const other = new Scheduler(
      { clock, store, log, counters, actions: new ActionRegistry([probe]) },
      { ...schedulerDefaults, isAgent },
    );
    other.start();
    onTestFinished(() => other.drain(0));
    await rig.pass(2);
    expect(probe.runs).toHaveLength(isAgent ? 0 : 1);
  }
});
