import { expect, test } from 'vitest';

import { addSeconds } from '../../src/core/time.ts';
import { ticks } from '../../src/scheduler/ticks.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { T0 } from '../support/plans.ts';

test('a clock set back stalls nothing, a sleeping host wakes to the present', async () => {
  const clock = new FakeClock(T0);
  const seen: number[] = [];
  const stop = new AbortController();
  const done = (async () => {
    for await (const second of ticks(clock, stop.signal)) seen.push(second - T0);
  })();
  for (const step of [1, 1, -60, 1, 90]) await clock.set(addSeconds(clock.now(), step));
  expect(seen).toEqual([0, 1, 2, -58, -57, 33]);
  stop.abort();
  await done;
});
