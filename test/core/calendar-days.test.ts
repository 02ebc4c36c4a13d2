import fc from 'fast-check';
import { expect, test } from 'vitest';

import { calendarOf } from '../../src/core/calendar.ts';
import type { FieldValues } from '../../src/core/schedule.ts';
import { unixSeconds } from '../../src/core/time.ts';
import { effort, patience } from './effort.ts';

const day = 86_400;

/** The first match after that, found day by day; undefined when none comes in 45 years. */
function naiveNext(fields: FieldValues, after: number): number | undefined {
  const { second, minute, hour, day: monthDay, month, week } = fields;
  const today = Math.floor(after / day);
  for (let number = today; number < today + 45 * 366; number++) {
    const date = new Date(number * day * 1000);
    if (monthDay !== undefined && monthDay !== date.getUTCDate()) continue;
    if (month !== undefined && month !== date.getUTCMonth() + 1) continue;
    if (week !== undefined && week % 7 !== date.getUTCDay()) continue;
    for (let time = number === today ? (after % day) + 1 : 0; time < day; time++) {
      if (second !== undefined && second !== time % 60) continue;
      if (minute !== undefined && minute !== Math.floor(time / 60) % 60) continue;
      if (hour !== undefined && hour !== Math.floor(time / 3_600)) continue;
      return number * day + time;
    }
  }
  return undefined;
}

const field = (lowest: number, highest: number) =>
  fc.option(fc.integer({ min: lowest, max: highest }), { nil: undefined, freq: 2 });

const anyFields = fc
  .record({
    second: field(0, 59),
    minute: field(0, 59),
    hour: field(0, 23),
    day: fc.oneof(field(1, 31), fc.integer({ min: 28, max: 31 })),
    month: fc.oneof(field(1, 12), fc.constant(2)),
    week: field(0, 7),
  })
  .map((fields) => JSON.parse(JSON.stringify(fields)) as FieldValues);

const anyTime = fc.oneof(
  fc.integer({ min: 0, max: 4_102_444_800 }),
  fc.integer({ min: 1970, max: 2099 }).map((year) => Date.UTC(year, 11, 31, 23, 59, 59) / 1000),
  fc.integer({ min: 1970, max: 2099 }).map((year) => Date.UTC(year, 1, 28, 23, 59, 59) / 1000),
);

test('any fields, any time: the next match is the one found day by day', patience, () => {
  fc.assert(
    fc.property(anyFields, anyTime, (fields, after) => {
      const calendar = calendarOf({ kind: 'calendar', fields, zone: 'UTC' });
      const next = calendar.next(unixSeconds(after));
      const expected = naiveNext(fields, after);
      if (expected === undefined) {
        expect(next ?? Infinity).toBeGreaterThan(after + 45 * 365 * day);
        return;
      }
      expect(next).toBe(expected);
      expect(calendar.last(unixSeconds(after + 1), unixSeconds(expected + day))).toBeDefined();
      expect(calendar.last(unixSeconds(after + 1), unixSeconds(expected))).toBe(expected);
      expect(calendar.last(unixSeconds(after + 1), unixSeconds(expected - 1))).toBeUndefined();
      expect(calendar.count(unixSeconds(after + 1), unixSeconds(expected + 1))).toBe(1);
    }),
    { numRuns: effort(400, 50_000) },
  );
});

test('29 February on a weekday comes within 400 years or never, and leap centuries count', () => {
  const leapMonday = { second: 0, minute: 0, hour: 0, day: 29, month: 2, week: 1 };
  const next = calendarOf({ kind: 'calendar', fields: leapMonday, zone: 'UTC' }).next(
    unixSeconds(Date.UTC(2072, 2, 1) / 1000),
  );
  expect(new Date((next ?? 0) * 1000).toISOString()).toBe('2112-02-29T00:00:00.000Z');
});
