import { expect, test } from 'vitest';

import { addSeconds } from '../../src/core/time.ts';
import { CatchUpBudget } from '../../src/scheduler/catch-up.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('what is spent comes back at the rate, and an idle minute saves nothing up', async () => {
  const clock = new FakeClock();
  const budget = new CatchUpBudget(clock, 2_000);
  budget.spend(2_000);
  expect(budget.left()).toBe(0);
  await clock.advance(0.5);
  expect(budget.left()).toBe(1_000);
  await clock.advance(60);
  expect(budget.left()).toBe(2_000);
});

test('a clock set forward earns nothing', async () => {
  const clock = new FakeClock();
  const budget = new CatchUpBudget(clock, 2_000);
  budget.spend(2_000);
  await clock.set(addSeconds(clock.now(), 3_600));
  expect(budget.left()).toBe(0);
});
