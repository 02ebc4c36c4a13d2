import fc from 'fast-check';
import { expect, test } from 'vitest';

import { addSeconds } from '../../src/core/time.ts';
import { T0 } from '../support/plans.ts';
import { every, once, Rig } from '../support/rig.ts';

test('law 2, never early: no firing starts before its due second', async () => {
  const rig = new Rig();
  for (const seconds of [0, 1, 2, 5, 9]) await rig.scheduler.create(once(seconds, `in-${seconds}`));
  await rig.pass(10);
  expect(rig.probe.fired(T0)).toEqual(['in-0@0', 'in-1@1', 'in-2@2', 'in-5@5', 'in-9@9']);
  for (const { fireTime, startedAt } of rig.probe.runs) expect(startedAt).toBe(fireTime);
  await rig.stop();
});

test('law 2, never early: however the clock is set about', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.integer({ min: -100, max: 100 }), { maxLength: 20 }),
      async (delays, steps) => {
        const rig = new Rig();
        for (const [n, delay] of delays.entries())
          await rig.scheduler.create(every(delay, `plan-${n}`));
        for (const step of steps) await rig.clock.set(addSeconds(rig.clock.now(), step));
        for (const { fireTime, startedAt } of rig.probe.runs)
          expect(startedAt).toBeGreaterThanOrEqual(fireTime);
        await rig.stop();
      },
    ),
    { numRuns: 50 },
  );
});
