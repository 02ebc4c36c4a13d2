import fc from 'fast-check';
import { expect, test } from 'vitest';

import { civilDate, dayNumber, daysInMonth, weekdayOf } from '../../src/core/civil-date.ts';

test('days, dates and weekdays are those of the Gregorian calendar, both ways', () => {
  fc.assert(
    fc.property(fc.integer({ min: -800_000, max: 4_000_000 }), (day) => {
      const date = new Date(day * 86_400_000);
      const expected = {
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
      };
      expect(civilDate(day)).toEqual(expected);
      expect(dayNumber(expected.year, expected.month, expected.day)).toBe(day);
      expect(weekdayOf(day)).toBe(date.getUTCDay());
    }),
    { numRuns: 5_000 },
  );
});

test('a month has as many days as lie before the next', () => {
  for (let year = 1890; year <= 2110; year++) {
    for (let month = 1; month <= 12; month++) {
      const next = month === 12 ? dayNumber(year + 1, 1, 1) : dayNumber(year, month + 1, 1);
      expect(daysInMonth(year, month)).toBe(next - dayNumber(year, month, 1));
    }
  }
});
