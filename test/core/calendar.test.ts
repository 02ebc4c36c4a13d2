import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { calendarOf } from '../../src/core/calendar.ts';
import type { FieldValues } from '../../src/core/schedule.ts';
import { unixSeconds, type UnixSeconds } from '../../src/core/time.ts';
import { naiveCron, naiveFireTimes, type NaiveRule, readings } from './clock-oracle.ts';
import { changes, patterns } from './clock-changes.ts';
import { effort, patience } from './effort.ts';

const hour = 3_600;
const day = 86_400;

const at = (iso: string): UnixSeconds => unixSeconds(Date.parse(iso) / 1000);
const iso = (time: number | undefined): string | undefined =>
  time === undefined ? undefined : new Date(time * 1000).toISOString().replace('.000', '');

const cron = (expression: string, zone = 'UTC') => calendarOf({ kind: 'cron', expression, zone });
const create = (fields: FieldValues, zone = 'UTC', year?: number) =>
  calendarOf({ kind: 'calendar', fields, zone, ...(year !== undefined && { year }) });

/** The first `length` fire times after that. */
function following(calendar: ReturnType<typeof calendarOf>, after: string, length: number) {
  const times: (string | undefined)[] = [];
  let time: UnixSeconds | undefined = at(after);
  while (time !== undefined && times.length < length) {
    time = calendar.next(time);
    times.push(iso(time));
  }
  return times;
}

/** All fire times in [from, before). */
function fireTimes(
  calendar: ReturnType<typeof calendarOf>,
  from: number,
  before: number,
): number[] {
  const times: number[] = [];
  let time = calendar.next(unixSeconds(from - 1));
  for (; time !== undefined && time < before; time = calendar.next(time)) times.push(time);
  return times;
}

describe('fields of create', () => {
  test('an unset field is any: 16:32:00 every day, every second of minute 5, every second', () => {
    expect(
      following(create({ second: 0, minute: 32, hour: 16 }), '2026-01-01T16:32:00Z', 2),
    ).toEqual(['2026-01-02T16:32:00Z', '2026-01-03T16:32:00Z']);
    expect(following(create({ minute: 5 }), '2026-01-01T10:05:58Z', 2)).toEqual([
      '2026-01-01T10:05:59Z',
      '2026-01-01T11:05:00Z',
    ]);
    expect(following(create({}), '2026-01-01T10:05:58Z', 2)).toEqual([
      '2026-01-01T10:05:59Z',
      '2026-01-01T10:06:00Z',
    ]);
  });

  test('week 0 and 7 are Sunday, and every given field must match', () => {
    const midnight = { second: 0, minute: 0, hour: 0 };
    for (const week of [0, 7]) {
      expect(following(create({ ...midnight, week }), '2026-11-21T00:00:00Z', 1)).toEqual([
        '2026-11-22T00:00:00Z',
      ]);
    }
    expect(following(create({ ...midnight, day: 13, week: 5 }), '2026-11-21T00:00:00Z', 2)).toEqual(
      ['2027-08-13T00:00:00Z', '2028-10-13T00:00:00Z'],
    );
  });

  test('day 31 skips months without it, 29 February years without it', () => {
    const midnight = { second: 0, minute: 0, hour: 0 };
    expect(following(create({ ...midnight, day: 31 }), '2026-03-31T00:00:00Z', 2)).toEqual([
      '2026-05-31T00:00:00Z',
      '2026-07-31T00:00:00Z',
    ]);
    expect(
      following(create({ ...midnight, day: 29, month: 2 }), '2096-03-01T00:00:00Z', 1),
    ).toEqual(['2104-02-29T00:00:00Z']);
  });

  test('30 February never comes, and that is found at once', () => {
    expect(create({ day: 30, month: 2 }).next(at('2026-01-01T00:00:00Z'))).toBeUndefined();
    expect(
      create({ day: 30, month: 2 }).last(at('2026-01-01T00:00:00Z'), at('2027-01-01T00:00:00Z')),
    ).toBeUndefined();
  });

  test('with a year there is one moment, in the zone of the plan', () => {
    const moment = create(
      { second: 0, minute: 30, hour: 8, day: 1, month: 7 },
      'Asia/Shanghai',
      2026,
    );
    expect(following(moment, '2024-01-01T00:00:00Z', 2)).toEqual([
      '2026-07-01T00:30:00Z',
      undefined,
    ]);
    expect(moment.count(at('2020-01-01T00:00:00Z'), at('2030-01-01T00:00:00Z'))).toBe(1);
  });
});

describe('cron expressions', () => {
  test('five fields begin at second 0, six name the second', () => {
    expect(following(cron('30 4 * * *'), '2026-01-01T00:00:00Z', 1)).toEqual([
      '2026-01-01T04:30:00Z',
    ]);
    expect(following(cron('15 30 4 * * *'), '2026-01-01T00:00:00Z', 1)).toEqual([
      '2026-01-01T04:30:15Z',
    ]);
  });

  test('of a day of the month and a weekday, both restricted, one is enough', () => {
    expect(following(cron('0 0 1,15 * 5'), '2026-10-31T00:00:00Z', 4)).toEqual([
      '2026-11-01T00:00:00Z',
      '2026-11-06T00:00:00Z',
      '2026-11-13T00:00:00Z',
      '2026-11-15T00:00:00Z',
    ]);
  });

  test('L is the last day of the month, 5L its last Friday, 1#2 its second Monday', () => {
    expect(following(cron('0 0 L * *'), '2028-01-31T00:00:00Z', 2)).toEqual([
      '2028-02-29T00:00:00Z',
      '2028-03-31T00:00:00Z',
    ]);
    expect(following(cron('0 0 * * 5L'), '2026-11-21T00:00:00Z', 2)).toEqual([
      '2026-11-27T00:00:00Z',
      '2026-12-25T00:00:00Z',
    ]);
    expect(following(cron('0 0 * * 1#2'), '2026-11-21T00:00:00Z', 2)).toEqual([
      '2026-12-14T00:00:00Z',
      '2027-01-11T00:00:00Z',
    ]);
  });
});

describe('clock changes', () => {
  test('a skipped time fires at the first instant after the gap, and what is skipped together once', () => {
    expect(following(cron('30 2 * * *', 'Europe/Berlin'), '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00Z',
      '2026-03-30T00:30:00Z',
    ]);
    expect(following(cron('*/10 2 * * *', 'Europe/Berlin'), '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00Z',
      '2026-03-30T00:00:00Z',
    ]);
  });

  test('a repeated time fires once, at its first occurrence', () => {
    expect(following(cron('30 2 * * *', 'Europe/Berlin'), '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00Z',
    ]);
  });

  test('a plan with any hour keeps its pace through both', () => {
    const halfHourly = cron('*/30 * * * *', 'Europe/Berlin');
    for (const change of ['2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z']) {
      const times = fireTimes(halfHourly, at(change) - 3 * hour, at(change) + 3 * hour);
      expect(times).toHaveLength(12);
      expect(new Set(times.slice(1).map((time, index) => time - times[index]!))).toEqual(
        new Set([1_800]),
      );
    }
  });

  test('a gap at midnight, half an hour, two hours or a whole day is a gap like any other', () => {
    const midnight = '0 0 * * *';
    expect(following(cron(midnight, 'America/Sao_Paulo'), '2018-11-03T12:00:00Z', 1)).toEqual([
      '2018-11-04T03:00:00Z',
    ]);
    expect(following(cron('15 2 * * *', 'Australia/Lord_Howe'), '2026-10-03T12:00:00Z', 1)).toEqual(
      ['2026-10-03T15:30:00Z'],
    );
    expect(following(cron('30 1,2 * * *', 'Antarctica/Troll'), '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00Z',
      '2026-03-29T23:30:00Z',
    ]);
    expect(following(cron('0 12 30 12 *', 'Pacific/Apia'), '2011-12-01T00:00:00Z', 1)).toEqual([
      '2011-12-30T10:00:00Z',
    ]);
  });

  const rules = patterns.map((pattern) => ({ pattern, rule: naiveCron(pattern) }));

  test.each(changes)(
    '%s at %s: next, last and count are those of a clock read minute by minute',
    (zone, change) => {
      const start = at(change) - 3 * day;
      const end = at(change) + 2 * day;
      const clock = readings(zone, start, end, 60);
      const from = start + 2 * day;
      for (const { pattern, rule } of rules) {
        const expected = naiveFireTimes(rule, clock, from, 60);
        const calendar = cron(pattern, zone);
        expect(fireTimes(calendar, from, end).map(iso), pattern).toEqual(expected.map(iso));
        expect(calendar.count(unixSeconds(from), unixSeconds(end)), pattern).toBe(expected.length);
        for (const middle of [from + day / 2, at(change), at(change) + 1_800, end - 1]) {
          const until = expected.filter((time) => time <= middle);
          const last = calendar.last(unixSeconds(from), unixSeconds(middle));
          expect(iso(last), pattern).toBe(iso(until.at(-1)));
          expect(calendar.count(unixSeconds(from), unixSeconds(middle + 1))).toBe(until.length);
        }
      }
    },
  );

  test('any fields, any change: second by second as the clock shows', patience, () => {
    const near = changes.map(([zone, change]) => {
      const middle = at(change);
      return { zone, middle, clock: readings(zone, middle - 2 * hour, middle + 2 * hour, 1) };
    });
    const anySet = (lowest: number, highest: number) =>
      fc.option(
        fc.uniqueArray(fc.integer({ min: lowest, max: highest }), { minLength: 1, maxLength: 4 }),
        { nil: undefined },
      );
    const anyRule = fc.record({
      second: anySet(0, 59),
      minute: anySet(0, 59),
      hour: anySet(0, 3),
      weekday: anySet(0, 6),
    });
    const text = (values?: number[]): string => values?.join(',') ?? '*';
    const set = (values?: number[]) => values && new Set(values);

    fc.assert(
      fc.property(anyRule, fc.constantFrom(...near), ({ second, minute, ...rest }, place) => {
        const expression = `${text(second)} ${text(minute)} ${text(rest.hour)} * * ${text(rest.weekday)}`;
        const sets = { second, minute, ...rest };
        const rule = Object.fromEntries(
          Object.entries(sets).flatMap(([name, values]) => (values ? [[name, set(values)]] : [])),
        ) as NaiveRule;
        const calendar = cron(expression, place.zone);
        const from = place.middle - hour / 2;
        const before = place.middle + 2 * hour;
        const expected = naiveFireTimes(rule, place.clock, from, 1);
        expect(fireTimes(calendar, from, before)).toEqual(expected);
        expect(calendar.count(unixSeconds(from), unixSeconds(before))).toBe(expected.length);
        expect(calendar.last(unixSeconds(from), unixSeconds(before - 1))).toBe(expected.at(-1));
      }),
      { numRuns: effort(150, 3_000) },
    );
  });
});
