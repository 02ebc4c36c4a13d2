import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { UnfinishedFiring } from '../../src/core/firing.ts';
import { advance } from '../../src/core/misfire.ts';
import { defaultPolicy, type Policy } from '../../src/core/policy.ts';
import { nextFireTime, type Schedule } from '../../src/core/schedule.ts';
import { addSeconds, unixSeconds, type UnixSeconds } from '../../src/core/time.ts';
import { T0 } from '../support/plans.ts';
import { effort, patience } from './effort.ts';

const everySeconds = (seconds: number): Schedule => ({
  kind: 'interval',
  everySeconds: seconds,
  fields: { second: seconds },
});
const cron = (expression: string): Schedule => ({
  kind: 'cron',
  expression,
  zone: 'Europe/Berlin',
});
const unfinished = (count: number): UnfinishedFiring[] =>
  Array.from({ length: count }, (_, index) => ({
    fireTime: addSeconds(T0, index - count),
    attempt: 1,
    failures: 0,
    crashes: 0,
    state: { kind: 'in_flight' },
  }));

const aPlan = (
  schedule: Schedule,
  overrides: { count?: number; firedCount?: number; full?: number } = {},
) => ({
  schedule,
  count: overrides.count ?? 0,
  firedCount: overrides.firedCount ?? 0,
  unfinished: unfinished(overrides.full ?? 0),
});
const aPolicy = (overrides: Partial<Policy> = {}): Policy => ({ ...defaultPolicy, ...overrides });
const late = (seconds: number): UnixSeconds => addSeconds(T0, seconds);
const quiet = { waits: false, isMisfire: false, merged: 0, skipped: 0 };

describe('on time', () => {
  test('a due time fires and the next derives from it, not from now', () => {
    const plan = aPlan(everySeconds(7));
    for (const misfire of ['fire_once', 'fire_all', 'skip'] as const) {
      expect(advance(plan, aPolicy({ misfire }), T0, late(60))).toEqual({
        ...quiet,
        fire: T0,
        next: late(7),
      });
    }
  });

  test('the firing that reaches count is the last', () => {
    const plan = aPlan(everySeconds(7), { count: 3, firedCount: 2 });
    expect(advance(plan, aPolicy(), T0, T0)).toEqual({ ...quiet, fire: T0 });
  });

  test('at the limit of unfinished firings a due time is merged, and count is not used up', () => {
    const plan = aPlan(everySeconds(7), { count: 3, firedCount: 2, full: 1 });
    expect(advance(plan, aPolicy({ maxUnfinished: 1 }), T0, T0)).toEqual({
      ...quiet,
      merged: 1,
      next: late(7),
    });
  });

  test('fire_all waits at the limit instead', () => {
    const plan = aPlan(everySeconds(7), { full: 10 });
    expect(advance(plan, aPolicy({ misfire: 'fire_all' }), T0, T0)).toEqual({
      ...quiet,
      waits: true,
      next: T0,
    });
  });
});

describe('more than the threshold late', () => {
  test('a one-shot always fires, however late, for its own due time', () => {
    const oneShots = [
      aPlan(everySeconds(1_800), { count: 1 }),
      aPlan(everySeconds(0), { count: 1 }),
      aPlan(everySeconds(5), { count: 10, firedCount: 9 }),
      aPlan({
        kind: 'calendar',
        fields: { second: 20, minute: 13, hour: 22, day: 14, month: 11 },
        zone: 'UTC',
        year: 2023,
      }),
    ];
    for (const plan of oneShots) {
      for (const misfire of ['fire_once', 'fire_all', 'skip'] as const) {
        expect(advance(plan, aPolicy({ misfire }), T0, late(30 * 86_400))).toEqual({
          ...quiet,
          isMisfire: true,
          fire: T0,
        });
      }
    }
  });

  test('the last due time of a schedule is never merged away: it waits for room', () => {
    const plan = aPlan(everySeconds(0), { count: 1, full: 10 });
    for (const misfire of ['fire_once', 'fire_all', 'skip'] as const) {
      const step = advance(plan, aPolicy({ misfire }), T0, late(3_600));
      expect(step).toEqual({ ...quiet, isMisfire: true, waits: true, next: T0 });
    }
  });

  test('fire_once fires for the newest due time up to now and merges the others', () => {
    expect(advance(aPlan(everySeconds(7)), aPolicy(), T0, late(100))).toEqual({
      ...quiet,
      isMisfire: true,
      fire: late(98),
      next: late(105),
      merged: 14,
    });
  });

  test('fire_once at the limit merges them all', () => {
    expect(advance(aPlan(everySeconds(7), { full: 10 }), aPolicy(), T0, late(98))).toEqual({
      ...quiet,
      isMisfire: true,
      next: late(105),
      merged: 15,
    });
  });

  test('skip goes on with the first due time that is not more than the threshold late', () => {
    const plan = aPlan(everySeconds(7));
    expect(advance(plan, aPolicy({ misfire: 'skip' }), T0, late(100))).toEqual({
      ...quiet,
      isMisfire: true,
      next: late(42),
      skipped: 6,
    });
    const strict = aPolicy({ misfire: 'skip', misfireThresholdSeconds: 0 });
    expect(advance(plan, strict, T0, late(98)).next).toBe(late(98));
    expect(advance(plan, strict, T0, late(99)).next).toBe(late(105));
  });

  test('fire_all fires in order; of more than 100 missed the newest 100', () => {
    const policy = aPolicy({ misfire: 'fire_all' });
    const firstOf = (missed: number) =>
      advance(aPlan(everySeconds(10)), policy, T0, late(10 * (missed - 1) + 5));
    expect(firstOf(100)).toMatchObject({ fire: T0, next: late(10), skipped: 0 });
    expect(firstOf(101)).toMatchObject({ fire: late(10), next: late(20), skipped: 1 });
    expect(firstOf(1_000)).toMatchObject({ fire: late(9_000), next: late(9_010), skipped: 900 });
  });

  test('fire_all skips nothing of a plan that has no more than 100 firings left', () => {
    const plan = aPlan(everySeconds(10), { count: 100 });
    const step = advance(plan, aPolicy({ misfire: 'fire_all' }), T0, late(86_400));
    expect(step).toMatchObject({ fire: T0, next: late(10), skipped: 0 });
  });

  test('fire_all waits at the limit and leaves all as it is', () => {
    const plan = aPlan(everySeconds(10), { full: 10 });
    expect(advance(plan, aPolicy({ misfire: 'fire_all' }), T0, late(86_400))).toEqual({
      ...quiet,
      isMisfire: true,
      waits: true,
      next: T0,
    });
  });
});

describe('every due time is fired, merged, skipped or still ahead', () => {
  const anySchedule = fc.oneof(
    fc.integer({ min: 1, max: 400 }).map(everySeconds),
    fc.constantFrom('* * * * * *', '*/7 * * * * *', '*/2 * * * *', '10 5 * * * *').map(cron),
  );
  const anyPolicy = fc.record({
    misfire: fc.constantFrom('fire_once' as const, 'fire_all' as const, 'skip' as const),
    misfireThresholdSeconds: fc.constantFrom(0, 10, 60),
    maxUnfinished: fc.integer({ min: 1, max: 3 }),
  });
  /** Time passes, then so many of the plan's firings end. */
  const anyLife = fc.array(
    fc.tuple(fc.oneof(fc.nat(5), fc.nat(300), fc.nat(20_000)), fc.integer({ min: 0, max: 3 })),
    { minLength: 1, maxLength: 60 },
  );

  test('in any life of any plan, counted one by one', patience, () => {
    fc.assert(
      fc.property(anySchedule, anyPolicy, fc.nat(20), anyLife, (schedule, policy, count, life) => {
        let plan = aPlan(schedule, { count });
        let due = nextFireTime(schedule, T0);
        let now = T0;
        for (const [pause, ended] of life) {
          now = addSeconds(now, pause);
          plan = { ...plan, unfinished: plan.unfinished.slice(ended) };
          for (let claims = 0; claims < 5 && due !== undefined && due <= now; claims++) {
            const isLast = plan.count > 0 && plan.firedCount + 1 === plan.count;
            const isFull = plan.unfinished.length >= policy.maxUnfinished;
            const step = advance(plan, policy, due, now);
            expect(step.isMisfire).toBe(now - due > policy.misfireThresholdSeconds);
            if (step.waits) {
              expect([isFull, policy.misfire, step.next, step.fire]).toEqual([
                true,
                'fire_all',
                due,
                undefined,
              ]);
              break;
            }
            const handled = step.fire === undefined ? 0 : 1;
            const passed = oneByOne(schedule, due, handled + step.merged + step.skipped);
            if (step.fire !== undefined) {
              expect(isFull).toBe(false);
              expect(passed.times.at(-1)).toBe(step.fire);
              plan = {
                ...plan,
                firedCount: plan.firedCount + 1,
                unfinished: [...plan.unfinished, { ...unfinished(1)[0]!, fireTime: step.fire }],
              };
            }
            expect(passed.times.every((time) => time <= now)).toBe(true);
            expect(step.next).toBe(isLast && step.fire !== undefined ? undefined : passed.next);
            expectPolicy(step, schedule, policy, passed, now);
            due = step.next;
          }
        }
        if (count > 0 && due === undefined) expect(plan.firedCount).toBe(count);
        if (count > 0) expect(plan.firedCount).toBeLessThanOrEqual(count);
      }),
      { numRuns: effort(400, 10_000) },
    );
  });

  interface Passed {
    readonly times: readonly UnixSeconds[];
    readonly next: UnixSeconds | undefined;
  }

  function oneByOne(schedule: Schedule, due: UnixSeconds, length: number): Passed {
    const times: UnixSeconds[] = [];
    let next: UnixSeconds | undefined = due;
    while (next !== undefined && times.length < length) {
      times.push(next);
      next = nextFireTime(schedule, next);
    }
    return { times, next };
  }

  function expectPolicy(
    { merged, skipped, fire, next, isMisfire }: ReturnType<typeof advance>,
    schedule: Schedule,
    policy: Policy,
    passed: Passed,
    now: UnixSeconds,
  ): void {
    const tooLate = now - policy.misfireThresholdSeconds;
    if (policy.misfire !== 'skip' && policy.misfire !== 'fire_all') expect(skipped).toBe(0);
    if (policy.misfire === 'fire_all') expect(merged).toBe(0);
    if (policy.misfire === 'fire_all' && skipped > 0 && fire !== undefined) {
      const newest = oneByOne(schedule, fire, 101).times.filter((time) => time <= now);
      expect(newest).toHaveLength(100);
    }
    if (policy.misfire === 'skip' && skipped > 0) {
      expect(passed.times.every((time) => time < tooLate)).toBe(true);
      expect(next).toBeGreaterThanOrEqual(tooLate);
    }
    if (policy.misfire === 'fire_once' && isMisfire && next !== undefined) {
      expect(next).toBeGreaterThan(now);
    }
  }
});

test('a plan of 10 years of missed seconds is decided in one step', () => {
  const tenYears = 10 * 365 * 86_400;
  const due = unixSeconds(T0);
  for (const [misfire, expected] of [
    ['fire_once', { fire: late(tenYears), merged: tenYears }],
    ['fire_all', { fire: late(tenYears - 99), skipped: tenYears - 99 }],
    ['skip', { next: late(tenYears - 60), skipped: tenYears - 60 }],
  ] as const) {
    const step = advance(aPlan(cron('* * * * * *')), aPolicy({ misfire }), due, late(tenYears));
    expect(step).toMatchObject(expected);
  }
});
