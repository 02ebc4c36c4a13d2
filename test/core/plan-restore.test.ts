import { describe, expect, test } from 'vitest';

import type { ErrorCode } from '../../src/core/errors.ts';
import { type DraftContext } from '../../src/core/plan-request.ts';
import { restoredOf, type RestoreRequest } from '../../src/core/plan-restore.ts';
import { addSeconds, unixSeconds } from '../../src/core/time.ts';

const now = unixSeconds(Date.parse('2026-11-21T08:30:00Z') / 1000);
const context: DraftContext = { now, newKey: () => 'made' };

const interval = (overrides: Partial<RestoreRequest> = {}): RestoreRequest => ({
  ...{ kind: 'interval', key: 'order:1', fields: { second: 30 }, count: 3 },
  ...{ action: 'shell', params: new Map() },
  ...{ nextFireTime: addSeconds(now, 7), createdTime: addSeconds(now, -100) },
  ...{ lastFireTime: addSeconds(now, -23), firedCount: 2, status: -1 },
  ...overrides,
});
const calendar = (overrides: Partial<RestoreRequest> = {}): RestoreRequest =>
  interval({ kind: 'calendar', fields: { second: 0, minute: 0, hour: 9 }, count: 0, ...overrides });

/** As given, but for what is named: absent. */
function without(request: RestoreRequest, ...names: (keyof RestoreRequest)[]): RestoreRequest {
  const entries = Object.entries(request).filter(([name]) => !names.some((one) => one === name));
  return Object.fromEntries(entries) as unknown as RestoreRequest;
}

function expectRefusal(request: RestoreRequest, code: ErrorCode, text: string): void {
  const judged = (): unknown => restoredOf(request, context);
  expect(judged).toThrow(expect.objectContaining({ code }) as Error);
  expect(judged).toThrow(text);
}

describe('a plan that is restored', () => {
  test('keeps due time, counts and times as they are given', () => {
    expect(restoredOf(interval(), context)).toEqual({
      draft: {
        ...{ key: 'order:1', count: 3, action: 'shell', params: new Map() },
        schedule: { kind: 'interval', everySeconds: 30, fields: { second: 30 } },
      },
      nextFireTime: now + 7,
      past: { createdTime: now - 100, lastFireTime: now - 23, firedCount: 2, status: -1 },
    });
  });

  test('keeps a due time that is past', () => {
    const due = addSeconds(now, -86_400);
    expect(restoredOf(interval({ nextFireTime: due }), context).nextFireTime).toBe(due);
  });

  test('is made now when nobody says when', () => {
    const { past } = restoredOf(without(interval(), 'createdTime', 'lastFireTime'), context);
    expect(past).toEqual({ createdTime: now, firedCount: 2, status: -1 });
  });

  test('is read in its own zone, not in that of the server; its params go before', () => {
    const inBerlin = { ...context, defaultZone: 'Europe/Berlin' };
    const zoneOf = (request: RestoreRequest) => restoredOf(request, inBerlin).draft.schedule;
    expect(zoneOf(calendar({ zone: 'Asia/Tokyo' }))).toMatchObject({ zone: 'Asia/Tokyo' });
    expect(zoneOf(calendar())).toMatchObject({ zone: 'Europe/Berlin' });
    const params = new Map([['forsun.timezone', 'UTC']]);
    expect(zoneOf(calendar({ zone: 'Asia/Tokyo', params }))).toMatchObject({ zone: 'UTC' });
  });

  test('of one moment, fires in its year, or else in the one that it is due in', () => {
    const fields = { second: 0, minute: 0, hour: 9, day: 24, month: 12 };
    const nextFireTime = unixSeconds(Date.parse('2031-12-24T09:00:00Z') / 1000);
    const yearOf = (request: RestoreRequest) => restoredOf(request, context).draft.schedule;
    expect(yearOf(calendar({ fields, nextFireTime }))).toMatchObject({ year: 2031 });
    expect(yearOf(calendar({ fields, nextFireTime, year: 2031 }))).toMatchObject({ year: 2031 });
  });

  test('without a due time, is due for the oldest of its firings that have not ended', () => {
    const unfinished = { count: 2, oldest: addSeconds(now, -60) };
    const last = without(interval({ firedCount: 3, unfinished }), 'nextFireTime');
    expect(restoredOf(last, context)).toMatchObject({
      nextFireTime: now - 60,
      past: { firedCount: 1 },
    });
    const goesOn = restoredOf(interval({ unfinished }), context);
    expect(goesOn).toMatchObject({ nextFireTime: now + 7, past: { firedCount: 2 } });
  });
});

describe('refused is', () => {
  test('what has ended', () => {
    expectRefusal(without(interval(), 'nextFireTime'), 'never_fires', 'it has fired 2 times');
    expectRefusal(interval({ firedCount: 3 }), 'never_fires', 'it has fired 3 times');
  });

  test('a plan without a key, or with numbers that are none', () => {
    expectRefusal(interval({ key: '' }), 'bad_argument', 'the key is empty');
    expectRefusal(interval({ firedCount: -1 }), 'bad_argument', 'fired_count is -1');
    expectRefusal(interval({ status: 7 }), 'bad_argument', 'status is 7');
    for (const name of ['nextFireTime', 'createdTime', 'lastFireTime'] as const) {
      for (const time of [NaN, 2 ** 52, -(2 ** 52)]) {
        expectRefusal(interval({ [name]: time }), 'bad_argument', 'expected seconds since 1970');
      }
    }
  });

  test('what a create would refuse', () => {
    expectRefusal(interval({ key: 'a\nb' }), 'bad_argument', 'control character');
    expectRefusal(interval({ fields: { second: -3 } }), 'never_fires', 'second is -3');
    expectRefusal(calendar({ zone: 'Mars/Olympus' }), 'bad_argument', 'Mars/Olympus');
    const cron = new Map([['forsun.cron', '61 * * * *']]);
    expectRefusal(calendar({ fields: {}, params: cron }), 'bad_argument', 'cron expression');
    const redacted = new Map([['http_password', '[redacted]']]);
    expectRefusal(interval({ params: redacted }), 'bad_argument', 'stands for a secret');
    const policy = new Map([['forsun.misfire', 'maybe']]);
    expectRefusal(interval({ params: policy }), 'bad_argument', 'forsun.misfire');
  });
});
