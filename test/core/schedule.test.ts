import fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  countFireTimes,
  firstFireTime,
  newestFireTime,
  nextFireTime,
  type Schedule,
} from '../../src/core/schedule.ts';
import { addSeconds, unixSeconds } from '../../src/core/time.ts';
import { T0 } from '../support/plans.ts';

const interval = (everySeconds: number): Schedule => ({
  kind: 'interval',
  everySeconds,
  fields: { second: everySeconds },
});
const cron = (expression: string): Schedule => ({ kind: 'cron', expression, zone: 'Asia/Tokyo' });

test('an interval first fires one interval after now, a calendar may fire now', () => {
  expect(firstFireTime(interval(1_800), T0)).toBe(T0 + 1_800);
  expect(firstFireTime(interval(0), T0)).toBe(T0);
  expect(firstFireTime(cron('* * * * * *'), T0)).toBe(T0);
});

test('an interval of 0 has no second fire time', () => {
  expect(nextFireTime(interval(0), T0)).toBeUndefined();
  expect(newestFireTime(interval(0), T0, addSeconds(T0, 100))).toBe(T0);
  expect(countFireTimes(interval(0), T0, addSeconds(T0, 100))).toBe(1);
});

test('next, newest and count agree: next is later, and nothing lies between', () => {
  const anySchedule = fc.oneof(
    fc.integer({ min: 1, max: 10_000 }).map(interval),
    fc.constantFrom('*/7 * * * * *', '*/5 * * * *', '30 4 * * 1-5', '0 0 1,15 * 0').map(cron),
  );
  const anyStart = fc.integer({ min: -2_000_000_000, max: 8_000_000_000 }).map(unixSeconds);
  fc.assert(
    fc.property(
      anySchedule,
      anyStart,
      fc.integer({ min: 1, max: 50 }),
      (schedule, start, length) => {
        const from = schedule.kind === 'interval' ? start : nextFireTime(schedule, start)!;
        let time = from;
        for (let index = 0; index < length; index++) {
          const next = nextFireTime(schedule, time)!;
          expect(next).toBeGreaterThan(time);
          expect(newestFireTime(schedule, from, addSeconds(next, -1))).toBe(time);
          expect(newestFireTime(schedule, from, next)).toBe(next);
          expect(countFireTimes(schedule, from, next)).toBe(index + 1);
          time = next;
        }
      },
    ),
  );
});
