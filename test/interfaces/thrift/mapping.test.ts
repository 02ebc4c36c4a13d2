import { describe, expect, test } from 'vitest';

import { ForsunError } from '../../../src/core/errors.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { unixSeconds } from '../../../src/core/time.ts';
import { everybody } from '../../../src/interfaces/access/caller.ts';
import { shownTo } from '../../../src/interfaces/access/shown.ts';
import {
  calendarRequest,
  intervalRequest,
  literalPrefix,
  wireError,
  wirePlan,
} from '../../../src/interfaces/thrift/mapping.ts';
import { aDraft, T0 } from '../../support/plans.ts';

const args = {
  key: 'backup',
  second: 5,
  minute: -1,
  hour: -1,
  day: -1,
  month: -1,
  week: -1,
  count: 1,
  action: 'shell',
  params: new Map([['cmd', 'true']]),
};

const aPlan = (overrides: Partial<Plan> = {}): Plan => ({
  ...aDraft(),
  generation: 1,
  createdTime: T0,
  firedCount: 0,
  status: 0,
  unfinished: [],
  ...overrides,
});

describe('a request', () => {
  test('-1 is unset; anything else, however odd, is left to be judged', () => {
    const odd = { ...args, second: -2, minute: 32_767, hour: 0 };
    expect(intervalRequest(odd)).toEqual({
      kind: 'interval',
      key: 'backup',
      fields: { second: -2, minute: 32_767, hour: 0 },
      count: 1,
      action: 'shell',
      params: args.params,
    });
  });

  test('a calendar plan has no count, and without a key gets one', () => {
    expect(calendarRequest({ ...args, key: undefined })).toMatchObject({
      kind: 'calendar',
      key: '',
      count: 0,
    });
  });
});

describe('a plan on the wire', () => {
  test('one that has never fired and fires no more has neither time', () => {
    expect(wirePlan(shownTo(everybody, aPlan()))).toMatchObject({
      is_time_out: true,
      second: 5,
      minute: -1,
      next_time: undefined,
      last_timeout: 0,
      next_fire_time: undefined,
      last_fire_time: undefined,
      created_time: T0,
    });
  });

  test('one that has fired tells its times, its firings and those under way', () => {
    const firing = { attempt: 1, failures: 0, crashes: 0 };
    const plan = aPlan({
      nextFireTime: unixSeconds(T0 + 10),
      lastFireTime: unixSeconds(T0 + 5),
      firedCount: 40_000,
      status: -1,
      unfinished: [
        { ...firing, fireTime: T0, state: { kind: 'in_flight' } },
        { ...firing, fireTime: T0, state: { kind: 'waiting', until: T0 } },
      ],
    });
    expect(wirePlan(shownTo(everybody, plan))).toMatchObject({
      next_time: T0 + 10,
      next_fire_time: T0 + 10,
      last_timeout: T0 + 5,
      last_fire_time: T0 + 5,
      current_count: 40_000,
      fired_count: 40_000,
      running: 1,
      status: -1,
    });
  });

  test('a cron plan is a calendar plan of which every field is -1', () => {
    const schedule = { kind: 'cron', expression: '0 0 * * *', zone: 'UTC' } as const;
    expect(wirePlan(shownTo(everybody, aPlan({ schedule })))).toMatchObject({
      is_time_out: false,
      ...{ second: -1, minute: -1, hour: -1, day: -1, month: -1, week: -1 },
    });
  });
});

test('an error has its published code and its text', () => {
  expect(wireError(new ForsunError('plan_not_stored', 'the disk is full'))).toEqual({
    code: 1004,
    message: 'the disk is full',
  });
});

test.each([
  ['a*', 'a'],
  ['a* \t\n*', 'a'],
  ['*', ''],
  ['a*b', 'a*b'],
  ['', ''],
  [`${'*'.repeat(200_000)}b`, `${'*'.repeat(200_000)}b`],
])('stars and blanks at the end of a prefix mean "any"', (given, prefix) => {
  expect(literalPrefix(given)).toBe(prefix);
});
