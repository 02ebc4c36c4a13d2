import { expect, test } from 'vitest';

import { Buckets } from '../../src/metrics/buckets.ts';
import { LoopLag } from '../../src/metrics/loop-lag.ts';
import { FakeClock } from '../support/fake-clock.ts';

function started() {
  const clock = new FakeClock();
  const buckets = new Buckets([0.01, 1]);
  const lag = new LoopLag(clock, buckets);
  lag.start();
  return { clock, buckets, lag };
}

test('a timer that comes when it should tells of no lag', async () => {
  const { clock, buckets, lag } = started();
  for (let n = 0; n < 20; n++) await clock.advance(0.1);
  expect(lag.recentSeconds()).toBeCloseTo(0);
  expect(buckets.observed()).toMatchObject({ upTo: [[0.01, 20], expect.anything()], count: 20 });
});

test('the longest lag is told for at least five seconds and at most ten', async () => {
  const { clock, buckets, lag } = started();
  await clock.advance(3.1);
  expect(lag.recentSeconds()).toBeCloseTo(3);
  for (let n = 0; n < 49; n++) await clock.advance(0.1);
  expect(lag.recentSeconds()).toBeCloseTo(3);
  for (let n = 0; n < 51; n++) await clock.advance(0.1);
  expect(lag.recentSeconds()).toBeCloseTo(0);
  expect(buckets.observed().sum).toBeCloseTo(3);
});

test('nothing is left behind when it stops', async () => {
  const { clock, lag } = started();
  await clock.advance(0.1);
  await lag.stop();
  expect(clock.pendingTimers).toBe(0);
});
