import { describe, expect, test } from 'vitest';

import type { ErrorCode } from '../../src/core/errors.ts';
import { type DraftContext, draftOf } from '../../src/core/plan-request.ts';
import type { PlanRequest } from '../../src/core/plan.ts';
import type { FieldValues } from '../../src/core/schedule.ts';
import { unixSeconds } from '../../src/core/time.ts';

const now = unixSeconds(Date.parse('2026-11-21T08:30:00Z') / 1000);
const context: DraftContext = { now, newKey: () => 'made' };
const at = (iso: string): number => Date.parse(iso) / 1000;

const interval = (fields: FieldValues, overrides: Partial<PlanRequest> = {}): PlanRequest => ({
  kind: 'interval',
  key: 'order:1',
  fields,
  count: 1,
  action: 'shell',
  params: new Map(),
  ...overrides,
});
const calendar = (fields: FieldValues, params: Record<string, string> = {}): PlanRequest => ({
  ...interval(fields, { count: 0 }),
  kind: 'calendar',
  params: new Map(Object.entries(params)),
});

/** Refused with that code, by a message that holds all the words. */
function expectRefusal(request: PlanRequest, code: ErrorCode, ...words: string[]): void {
  let refusal: unknown;
  try {
    draftOf(request, context);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toMatchObject({ name: 'ForsunError', code });
  for (const word of words) expect((refusal as Error).message).toContain(word);
}

describe('intervals', () => {
  test('an interval is the sum of its fields, a month being 30 days, and counts from now', () => {
    const fields = { second: 1, minute: 2, hour: 3, day: 4, month: 5, week: 6 };
    const everySeconds = 1 + 120 + 3 * 3_600 + 4 * 86_400 + 150 * 86_400 + 42 * 86_400;
    expect(draftOf(interval(fields), context)).toEqual({
      draft: {
        key: 'order:1',
        schedule: { kind: 'interval', everySeconds, fields },
        count: 1,
        action: 'shell',
        params: new Map(),
      },
      firstFireTime: now + everySeconds,
    });
  });

  test('interval 0 fires at once when count is 1 and is refused otherwise', () => {
    expect(draftOf(interval({}), context).firstFireTime).toBe(now);
    expect(draftOf(interval({ second: 0 }), context).firstFireTime).toBe(now);
    for (const count of [0, 2]) {
      expectRefusal(interval({ second: 0 }, { count }), 'never_fires', `count is ${count}`);
    }
  });

  test('a field below 0 or beyond the wire is refused by name, value and range', () => {
    for (const value of [-25_536, -2, 32_768, 1.5, NaN]) {
      for (const name of ['second', 'minute', 'hour', 'day', 'month', 'week']) {
        const words = [`${name} is ${value}`, '0 to 32767'];
        expectRefusal(interval({ [name]: value }), 'never_fires', ...words);
      }
    }
  });

  test('the longest interval of the wire is exact', () => {
    const most = 32_767;
    const fields = { second: most, minute: most, hour: most, day: most, month: most, week: most };
    const { firstFireTime } = draftOf(interval(fields), context);
    expect(firstFireTime - now).toBe(most * (1 + 60 + 3_600 + 86_400 + 30 * 86_400 + 7 * 86_400));
  });

  test('a negative count is refused', () => {
    expectRefusal(interval({ second: 5 }, { count: -1 }), 'never_fires', 'count is -1');
  });

  test('an interval takes no zone and no cron expression', () => {
    for (const [name, value] of [
      ['forsun.timezone', 'UTC'],
      ['forsun.cron', '* * * * *'],
    ] as const) {
      const params = new Map([[name, value]]);
      expectRefusal(interval({ second: 5 }, { params }), 'bad_argument', name);
    }
  });
});

describe('calendars', () => {
  test('a field out of range is refused by name, value and range', () => {
    for (const [name, value, range] of [
      ['second', 60, '0 to 59'],
      ['minute', -2, '0 to 59'],
      ['hour', 24, '0 to 23'],
      ['day', 0, '1 to 31'],
      ['month', 13, '1 to 12'],
      ['week', 8, '0 to 7'],
    ] as const) {
      expectRefusal(calendar({ [name]: value }), 'never_fires', `${name} is ${value}`, range);
    }
  });

  test('an impossible date is refused', () => {
    expectRefusal(calendar({ day: 30, month: 2 }), 'never_fires', 'day 30, month 2');
    expectRefusal(calendar({ second: 0, day: 31, month: 4 }), 'never_fires', 'day 31, month 4');
  });

  test('a calendar counts no firings, and its first may be now', () => {
    const { draft, firstFireTime } = draftOf({ ...calendar({ second: 0 }), count: 3 }, context);
    expect([draft.count, firstFireTime]).toEqual([0, now]);
  });

  test('its zone is its own, else the default, else UTC, by its canonical name', () => {
    const request = calendar({ second: 0, minute: 0, hour: 9 });
    const own = calendar(request.fields, { 'forsun.timezone': 'asia/shanghai' });
    const inBerlin = { ...context, defaultZone: 'Europe/Berlin' };
    expect(draftOf(request, context)).toMatchObject({
      draft: { schedule: { zone: 'UTC' } },
      firstFireTime: at('2026-11-21T09:00:00Z'),
    });
    expect(draftOf(request, inBerlin)).toMatchObject({
      draft: { schedule: { zone: 'Europe/Berlin' } },
      firstFireTime: at('2026-11-22T08:00:00Z'),
    });
    expect(draftOf(own, inBerlin)).toMatchObject({
      draft: { schedule: { zone: 'Asia/Shanghai' } },
      firstFireTime: at('2026-11-22T01:00:00Z'),
    });
  });

  test('an unknown zone is refused by name', () => {
    for (const zone of ['Mars/Olympus', '', '+01:00', 'Invalid Date', 'Europe/Berlin\0']) {
      expectRefusal(
        calendar({}, { 'forsun.timezone': zone }),
        'bad_argument',
        JSON.stringify(zone),
      );
    }
  });

  test('second to month all fixed is one moment of this year, in its zone', () => {
    const moment = { second: 0, minute: 30, hour: 23, day: 31, month: 12 };
    expect(draftOf(calendar(moment), context)).toMatchObject({
      draft: { schedule: { year: 2026 } },
      firstFireTime: at('2026-12-31T23:30:00Z'),
    });
    const lastHourOf2026 = { ...context, now: unixSeconds(at('2026-12-31T23:00:00Z')) };
    const inShanghai = calendar(
      { ...moment, day: 1, month: 1 },
      { 'forsun.timezone': 'Asia/Shanghai' },
    );
    expect(draftOf(inShanghai, lastHourOf2026)).toMatchObject({
      draft: { schedule: { year: 2027 } },
      firstFireTime: at('2027-01-01T15:30:00Z'),
    });
  });

  test('one moment may be of another year that is named, up to 9999', () => {
    const moment = { second: 59, minute: 59, hour: 23, day: 29, month: 2 };
    for (const year of [2028, 2032, 9996]) {
      expect(draftOf({ ...calendar(moment), year }, context)).toMatchObject({
        draft: { schedule: { year } },
        firstFireTime: at(`${year}-02-29T23:59:59Z`),
      });
    }
    expectRefusal({ ...calendar(moment), year: 2027 }, 'never_fires', 'no date, in 2027 (UTC)');
    for (const year of [1969, 10_000, 2028.5]) {
      expectRefusal({ ...calendar(moment), year }, 'never_fires', `year is ${year}`);
    }
  });

  test('a year is refused where it would not say which moment', () => {
    const cron = calendar({}, { 'forsun.cron': '0 9 * * *' });
    for (const request of [interval({ second: 5 }), calendar({ second: 0 }), cron]) {
      expectRefusal({ ...request, year: 2027 }, 'never_fires', 'year is 2027');
    }
  });

  test('one moment that is past is refused, one that is now fires', () => {
    const moment = { second: 0, minute: 30, hour: 8, day: 21, month: 11 };
    expect(draftOf(calendar(moment), context).firstFireTime).toBe(now);
    expectRefusal(calendar({ ...moment, minute: 29 }), 'never_fires', 'minute 29', '2026');
    expectRefusal(calendar({ ...moment, day: 29, month: 2 }), 'never_fires', 'no date, in 2026');
  });

  test('a date of no year is refused without the advice that is for this year', () => {
    const fields = { second: 0, minute: 0, hour: 0, day: 30, month: 2 };
    expectRefusal(
      calendar(fields),
      'never_fires',
      'no time ever matches second 0, minute 0, hour 0, day 30, month 2',
    );
  });
});

describe('cron expressions', () => {
  test('forsun.cron alone makes a cron plan in its zone', () => {
    const params = { 'forsun.cron': '0 9 * * mon-fri', 'forsun.timezone': 'Europe/Berlin' };
    expect(draftOf(calendar({}, params), context)).toMatchObject({
      draft: { schedule: { kind: 'cron', expression: '0 9 * * mon-fri', zone: 'Europe/Berlin' } },
      firstFireTime: at('2026-11-23T08:00:00Z'),
    });
  });

  test('beside a field it is refused', () => {
    const request = calendar({ second: 0 }, { 'forsun.cron': '* * * * *' });
    expectRefusal(request, 'bad_argument', 'second', 'forsun.cron');
  });
});

describe('keys and params', () => {
  test('an empty key is made', () => {
    expect(draftOf(interval({ second: 5 }, { key: '' }), context).draft.key).toBe('made');
  });

  test('a key has at most 512 bytes, no control character and whole characters', () => {
    for (const key of ['k'.repeat(512), '鍵'.repeat(170), '__proto__', ' a key ', '🔑']) {
      expect(draftOf(interval({ second: 5 }, { key }), context).draft.key).toBe(key);
    }
    for (const key of [
      'k'.repeat(513),
      '鍵'.repeat(171),
      'a\nb',
      'a\0',
      '\x7f',
      '\u0085',
      '\ud83d',
    ]) {
      expectRefusal(interval({ second: 5 }, { key }), 'bad_argument', 'key');
    }
  });

  test('params have limits in number, name, value and total', () => {
    const withParams = (entries: readonly (readonly [string, string])[]) =>
      interval({ second: 5 }, { params: new Map(entries) });
    const many = (size: number, value: string) =>
      withParams(Array.from({ length: size }, (_, index) => [`name${index}`, value] as const));
    const value = 'v'.repeat(256 * 1024);

    draftOf(many(256, ''), context);
    draftOf(withParams([['n'.repeat(128), value]]), context);
    draftOf(withParams([['__proto__', '\0\r\n\x1b[31m']]), context);
    expectRefusal(many(257, ''), 'bad_argument', '257', '256');
    expectRefusal(withParams([['', 'x']]), 'bad_argument', '1 to 128');
    expectRefusal(withParams([['n'.repeat(129), 'x']]), 'bad_argument', '129');
    expectRefusal(withParams([['body', `${value}v`]]), 'bad_argument', '"body"', '262144');
    expectRefusal(many(2, value), 'bad_argument', '524288');
    expectRefusal(withParams([['body', '\udc00']]), 'bad_argument', '"body"', 'surrogate');
  });

  test('a bad policy is refused when the plan is made', () => {
    const params = new Map([['forsun.retries', 'many']]);
    expectRefusal(interval({ second: 5 }, { params }), 'bad_argument', 'forsun.retries', '"many"');
  });
});
