import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { draftOf } from '../../../../src/core/plan-request.ts';
import type { Plan } from '../../../../src/core/plan.ts';
import { policyOf } from '../../../../src/core/policy.ts';
import { planBody, planRequest } from '../../../../src/interfaces/http/v2/plan-body.ts';
import { everybody } from '../../../../src/interfaces/access/caller.ts';
import { shownTo } from '../../../../src/interfaces/access/shown.ts';
import { showPlan } from '../../../../src/interfaces/http/v2/resources.ts';
import type { Json } from '../../../../src/interfaces/http/json.ts';
import { readJson } from '../../../../src/interfaces/http/v2/read.ts';
import { T0 } from '../../../support/plans.ts';
import { parseJson } from '../../../../src/interfaces/http/json.ts';

const json = (value: unknown): Json => parseJson(JSON.stringify(value));

/** What a schedule comes to at T0: the first fire time, and how it is answered. */
function judged(schedule: unknown, body: object = {}) {
  const read = readJson(planBody, json({ schedule, action: 'probe', ...body }));
  const context = { now: T0, newKey: () => 'made', defaultZone: 'Asia/Tokyo' };
  const { draft, firstFireTime } = draftOf(planRequest('a', read), context);
  const plan: Plan = {
    ...draft,
    generation: 1,
    createdTime: T0,
    firedCount: 0,
    status: 0,
    unfinished: [],
  };
  return { draft, firstFireTime, shown: showPlan(shownTo(everybody, plan)) };
}

const time = (text: string): number => Date.parse(text) / 1000;

describe('a schedule', () => {
  test.each<[string, unknown, string, unknown]>([
    ['every', { every: 60 }, '2023-11-14T22:14:20Z', { every: 60, count: 0 }],
    [
      'every so often, a few times',
      { every: { minute: 1, second: 30 }, count: 3 },
      '2023-11-14T22:14:50Z',
      { every: 90, count: 3 },
    ],
    ['in', { in: 1_800 }, '2023-11-14T22:43:20Z', { every: 1_800, count: 1 }],
    ['in no time', { in: 0 }, '2023-11-14T22:13:20Z', { every: 0, count: 1 }],
    [
      'in more than a field can say',
      { in: 100_000 },
      '2023-11-16T02:00:00Z',
      { every: 100_000, count: 1 },
    ],
    ['at', { at: '2024-02-29T12:00:01Z' }, '2024-02-29T12:00:01Z', { at: '2024-02-29T12:00:01Z' }],
    [
      'at, elsewhere',
      { at: '2024-01-01T00:30:00+05:30' },
      '2023-12-31T19:00:00Z',
      { at: '2023-12-31T19:00:00Z' },
    ],
    ['at, in seconds', { at: T0 + 5 }, '2023-11-14T22:13:25Z', { at: '2023-11-14T22:13:25Z' }],
    ['at once', { at: T0 }, '2023-11-14T22:13:20Z', { at: '2023-11-14T22:13:20Z' }],
    [
      'at the end of time',
      { at: 253_402_300_799 },
      '9999-12-31T23:59:59Z',
      { at: '9999-12-31T23:59:59Z' },
    ],
    [
      'cron',
      { cron: '30 9 * * mon-fri', timezone: 'Europe/Berlin' },
      '2023-11-15T08:30:00Z',
      { cron: '30 9 * * mon-fri', timezone: 'Europe/Berlin' },
    ],
    [
      'cron in the zone of the server',
      { cron: '0 0 12 * * *' },
      '2023-11-15T03:00:00Z',
      { cron: '0 0 12 * * *', timezone: 'Asia/Tokyo' },
    ],
    [
      'calendar',
      { calendar: { second: 0, minute: 30, week: 0 }, timezone: 'UTC' },
      '2023-11-19T00:30:00Z',
      { calendar: { second: 0, minute: 30, week: 0 }, timezone: 'UTC' },
    ],
    [
      'calendar, once',
      {
        calendar: { second: 0, minute: 0, hour: 9, day: 1, month: 2, year: 2025 },
        timezone: 'Europe/Berlin',
      },
      '2025-02-01T08:00:00Z',
      {
        calendar: { second: 0, minute: 0, hour: 9, day: 1, month: 2, year: 2025 },
        timezone: 'Europe/Berlin',
      },
    ],
  ])('%s: fires when it says, and is answered as it is', (_what, schedule, first, shown) => {
    const { firstFireTime, shown: plan } = judged(schedule);
    expect(firstFireTime).toBe(time(first));
    expect(plan.schedule).toEqual(shown);
  });

  test('a part of a second counts as the next one: nothing is early', () => {
    for (const [at, first] of [
      ['2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00Z'],
      ['2024-01-01T00:00:00.001Z', '2024-01-01T00:00:01Z'],
      ['2023-12-31T23:59:59.0000000001Z', '2024-01-01T00:00:00Z'],
    ] as const) {
      expect(judged({ at }).firstFireTime).toBe(time(first));
    }
  });

  test('what is no time is refused with what would be one', () => {
    const times = [
      ...['noon', '', '2024-01-01', '2024-01-01T00:00:00', '2024-02-30T00:00:00Z'],
      ...['1969-12-31T23:59:59Z', '9999-12-31T23:59:59.5Z', '2024-01-01T24:00:00Z'],
      ...[-1, 1.5, 253_402_300_800, 1_700_000_000_000, null, {}, [], '1700000000'],
    ];
    for (const at of times) {
      expect(() => judged({ at }), JSON.stringify(at)).toThrow(
        /^schedule\.at is .*, expected a time such as "2026-11-21T16:32:00Z", or whole seconds/,
      );
    }
  });

  test('every second that can be said comes back as it went', () => {
    const at = fc.integer({ min: T0, max: 253_402_300_799 });
    fc.assert(
      fc.property(at, (at) => {
        expect(judged({ at }).firstFireTime).toBe(at);
      }),
    );
    const every = fc.oneof(fc.integer({ min: 1, max: 2_831_068_800 }), fc.nat(40_000));
    fc.assert(
      fc.property(every, (seconds) => {
        const { firstFireTime, shown } = judged({ in: seconds });
        expect(firstFireTime).toBe(T0 + seconds);
        expect(shown.schedule).toEqual({ every: seconds, count: 1 });
      }),
    );
  });

  test('a policy may say what core lets it, and no more', () => {
    for (const [name, lowest, highest] of [
      ['misfire_threshold', 0, 316_224_000],
      ['retries', 0, 100],
      ['timeout', 1, 86_400],
      ['max_unfinished', 1, 100],
    ] as const) {
      const asParam = (value: number) => new Map([[`forsun.${name}`, String(value)]]);
      for (const value of [lowest, highest]) {
        expect(judged({ in: 5 }, { policy: { [name]: value } }).shown.policy).toEqual({
          [name]: value,
        });
        expect(() => policyOf(asParam(value))).not.toThrow();
      }
      for (const value of [lowest - 1, highest + 1]) {
        expect(() => judged({ in: 5 }, { policy: { [name]: value } })).toThrow(`policy.${name} is`);
        expect(() => policyOf(asParam(value))).toThrow();
      }
    }
  });

  test('what is answered may be sent back, and means the same', () => {
    const field = (min: number, max: number) =>
      fc.option(fc.integer({ min, max }), { nil: undefined });
    const schedule = fc.oneof(
      fc.record({ every: fc.integer({ min: 1, max: 1e6 }), count: fc.nat(9) }),
      fc.record({ at: fc.integer({ min: T0, max: 4e9 }) }),
      fc.record({
        cron: fc.constantFrom('* * * * *', '0 0 1 1 *'),
        timezone: fc.constant('Asia/Tokyo'),
      }),
      fc.record({
        calendar: fc.record({
          second: field(0, 59),
          minute: field(0, 59),
          hour: field(0, 23),
          day: field(1, 28),
          week: field(0, 7),
        }),
        timezone: fc.constantFrom('UTC', 'Europe/Berlin'),
      }),
    );
    const policy = fc.record(
      {
        misfire: fc.constantFrom('skip', 'fire_all'),
        misfire_threshold: fc.nat(316_224_000),
        retries: fc.nat(100),
        timeout: fc.integer({ min: 1, max: 86_400 }),
        max_unfinished: fc.integer({ min: 1, max: 100 }),
      },
      { requiredKeys: [] },
    );
    const params = fc.dictionary(fc.string({ minLength: 1, maxLength: 9 }), fc.string());
    fc.assert(
      fc.property(schedule, policy, params, (schedule, policy, params) => {
        const once = judged(schedule, { policy, params });
        const { shown } = once;
        expect(shown.policy).toEqual(policy);
        expect(shown.params).toEqual({ ...params });
        const again = judged(shown.schedule, { policy, params });
        expect(again.shown).toEqual(shown);
        expect(again.firstFireTime).toBe(once.firstFireTime);
      }),
    );
  });
});
