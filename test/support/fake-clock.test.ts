import { expect, test } from 'vitest';

import { addSeconds } from '../../src/core/time.ts';
import { FakeClock } from './fake-clock.ts';

test('setting the clock moves no timer, passing time moves both', async () => {
  const clock = new FakeClock();
  const start = clock.now();
  let rang = 0;
  clock.after(5_000, () => rang++);
  await clock.set(addSeconds(start, 3_600));
  expect([rang, clock.monotonicMs()]).toEqual([0, 0]);
  await clock.advance(5);
  expect([rang, clock.now() - start]).toEqual([1, 3_605]);
});
