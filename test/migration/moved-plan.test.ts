import { describe, expect, test } from 'vitest';

import { unixSeconds } from '../../src/core/time.ts';
import { type Moved, movedPlanOf } from '../../src/migration/moved-plan.ts';
import { originalPlanOf } from '../../src/migration/original-plan.ts';
import { shiftedBy } from '../../src/migration/source-zone.ts';
import { type OriginalFields, packedPlan } from './original-bytes.ts';

const at = (text: string): number => Date.parse(text) / 1000;
const now = unixSeconds(at('2026-11-21T12:00:00Z'));
const inAnHour = now + 3_600;

function moved(
  fields: Partial<OriginalFields>,
  overdue: 'fire' | 'skip' = 'fire',
  shift = 0,
): Moved {
  const original = originalPlanOf(packedPlan({ key: 'a', nextTime: inAnHour, ...fields }));
  return movedPlanOf(original, { zone: shiftedBy(shift), now, overdue });
}

const everyTenMinutes = { isTimeOut: true, second: 0, minute: 10 } as const;
const daily = { second: 0, minute: 30, hour: 16 } as const;

describe('a plan is carried over with all that it has', () => {
  test('an interval', () => {
    const before = { count: 5, currentCount: 2, lastTimeout: now - 60, createdTime: now - 900 };
    expect(moved({ ...everyTenMinutes, ...before })).toEqual({
      kind: 'plan',
      isOverdue: false,
      plan: {
        ...{ key: 'a', kind: 'interval', second: 0, minute: 10, count: 5, firedCount: 2 },
        ...{ status: 0, action: 'shell', params: new Map([['cmd', 'true']]) },
        ...{ nextFireTime: inAnHour, lastFireTime: now - 60, createdTime: now - 900 },
      },
    });
  });

  test('calendar fields, which it read in UTC, and a week, which it left alone', () => {
    const nextTime = at('2026-11-21T16:30:00Z');
    expect(moved({ ...daily, week: 1, nextTime })).toMatchObject({
      plan: {
        kind: 'calendar',
        ...daily,
        week: 1,
        timezone: 'UTC',
        count: 0,
        nextFireTime: nextTime,
      },
    });
  });

  test('one moment, with its year', () => {
    const nextTime = at('2027-01-02T16:30:00Z');
    expect(moved({ ...daily, day: 2, month: 1, nextTime })).toMatchObject({
      plan: { day: 2, month: 1, year: 2_027, nextFireTime: nextTime },
    });
  });

  test('its times as they were meant, wherever its server ran', () => {
    const nextTime = at('2026-11-21T08:30:00Z');
    const before = { lastTimeout: nextTime - 86_400, createdTime: nextTime - 90_000 };
    expect(moved({ ...daily, nextTime, ...before }, 'fire', 28_800)).toMatchObject({
      isOverdue: false,
      plan: {
        nextFireTime: at('2026-11-21T16:30:00Z'),
        lastFireTime: at('2026-11-20T16:30:00Z'),
        createdTime: at('2026-11-20T15:30:00Z'),
      },
    });
  });

  test('a number of seconds that only its HTTP door let in, in larger units', () => {
    const week = { isTimeOut: true, second: 604_805 };
    expect(moved(week)).toMatchObject({ plan: { second: 5, minute: 0, hour: 0, day: 7 } });
    const month = { isTimeOut: true, second: 40_000, month: 1 };
    expect(moved(month)).toMatchObject({ plan: { second: 40, minute: 6, hour: 11, day: 30 } });
    expect(() => moved({ isTimeOut: true, second: 3e9 })).toThrow('34722 days, which is too long');
  });

  test('a retry, which counts attempts where others count firings', () => {
    const retry = { key: 'a:_:_retry', isTimeOut: true, second: 9, count: 1, currentCount: 2 };
    expect(moved(retry)).toMatchObject({ plan: { key: 'a:_:_retry', count: 1, firedCount: 0 } });
  });
});

test('fields that its due time does not match tell that the zone is wrong', () => {
  expect(() => moved({ ...daily, nextTime: at('2026-11-22T08:30:00Z') })).toThrow(
    'it fires at hour 16 in UTC, but would be due at 2026-11-22T08:30:00.000Z: is --source-timezone right?',
  );
  expect(() => moved({ second: 99, nextTime: inAnHour })).toThrow('it fires at second 99 in UTC');
});

describe('what has ended is not carried over', () => {
  test.each<[string, Partial<OriginalFields>]>([
    ['due no more', { ...everyTenMinutes, nextTime: null }],
    ['as often as it was to fire', { ...everyTenMinutes, count: 3, currentCount: 3 }],
  ])('%s', (_what, fields) => {
    expect(moved(fields)).toEqual({ kind: 'ended' });
  });
});

describe('what is past due', () => {
  const ago = now - 1_500;

  test('goes with its due time, to be fired', () => {
    const once = { ...everyTenMinutes, count: 1, nextTime: ago };
    expect(moved(once)).toMatchObject({ isOverdue: true, plan: { nextFireTime: ago } });
    expect(moved({ ...everyTenMinutes, nextTime: ago })).toMatchObject({
      isOverdue: true,
      plan: { nextFireTime: ago },
    });
  });

  test('or with its next one, in step with those before', () => {
    expect(moved({ ...everyTenMinutes, nextTime: ago }, 'skip')).toMatchObject({
      plan: { nextFireTime: ago + 1_800 },
    });
    expect(moved({ ...daily, nextTime: at('2026-11-18T16:30:00Z') }, 'skip')).toMatchObject({
      plan: { nextFireTime: at('2026-11-21T16:30:00Z') },
    });
  });

  test('or not at all, when there is none', () => {
    const once = { ...everyTenMinutes, count: 1, nextTime: ago };
    expect(moved(once, 'skip')).toEqual({ kind: 'left out', key: 'a', dueTime: ago });
    const moment = { second: 0, minute: 30, hour: 16, day: 20, month: 11 };
    const nextTime = at('2026-11-20T16:30:00Z');
    expect(moved({ ...moment, nextTime }, 'skip')).toMatchObject({ kind: 'left out' });
  });

  test('is not what is due just now', () => {
    expect(moved({ ...everyTenMinutes, nextTime: now }, 'skip')).toMatchObject({
      isOverdue: false,
      plan: { nextFireTime: now },
    });
  });
});
