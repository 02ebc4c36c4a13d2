import fc from 'fast-check';
import { expect, test } from 'vitest';

import { beginLine, endLine, planLine, readPlanLine } from '../../src/cli/plan-lines.ts';
import type { Plan } from '../../src/client/plan.ts';
import { T0 } from '../support/plans.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('__proto__', 'hasOwnProperty', 'constructor', '10', '9', '', '\0\n"'),
);
const whole = fc.maxSafeInteger();
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

const aPlan = fc
  .record({
    key: text,
    kind: fc.constantFrom('interval', 'calendar'),
    ...{ second: maybe(whole), minute: maybe(whole), hour: maybe(whole) },
    ...{ day: maybe(whole), month: maybe(whole), week: maybe(whole), year: maybe(whole) },
    ...{ count: whole, firedCount: whole, status: whole, action: text, timezone: maybe(text) },
    params: fc.array(fc.tuple(text, text)).map((pairs) => new Map(pairs)),
    ...{ nextFireTime: maybe(whole), lastFireTime: maybe(whole), createdTime: maybe(whole) },
    ...{ unfinished: maybe(whole), unfinishedTime: maybe(whole) },
  })
  .map((plan) => without(plan, undefined));

const without = (plan: object, value: unknown): Plan =>
  Object.fromEntries(Object.entries(plan).filter(([, field]) => field !== value)) as Plan;

test('a plan is read from its line as it was, its params in their order', () => {
  fc.assert(
    fc.property(aPlan, (plan) => {
      const line = planLine(plan);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      const read = readPlanLine(line);
      expect(read).toEqual({ kind: 'plan', plan });
      expect(read.kind === 'plan' && [...read.plan.params]).toEqual([...plan.params]);
    }),
  );
});

test('a line is JSON that a person can read and write', () => {
  const params = new Map([['url', 'http://localhost/']]);
  const timed = { nextFireTime: T0 + 5, createdTime: T0 };
  const counts = { count: 0, firedCount: 2, status: 1 };
  const plan: Plan = {
    key: 'k',
    kind: 'calendar',
    hour: 9,
    action: 'http',
    params,
    ...timed,
    ...counts,
  };
  expect(planLine({ ...plan, timezone: 'Europe/Berlin' })).toBe(
    `{"key":"k","kind":"calendar","hour":9,"count":0,"fired_count":2,"status":1,` +
      `"next_fire_time":${T0 + 5},"created_time":${T0},"timezone":"Europe/Berlin",` +
      `"action":"http","params":{"url":"http://localhost/"}}\n`,
  );
  const least = `{"key":"k","kind":"interval","action":"shell","params":{},"next_fire_time":1}`;
  expect(readPlanLine(least)).toMatchObject({ plan: { count: 0, firedCount: 0, status: 0 } });
});

test('its first and last line are told from plans', () => {
  expect(readPlanLine(beginLine)).toEqual({ kind: 'begin' });
  expect(readPlanLine(endLine)).toEqual({ kind: 'end' });
});

test.each([
  ['{"key":"k"', 'it is no JSON'],
  ['[]', 'it is no JSON object'],
  ['null', 'it is no JSON object'],
  ['{"forsun_plans":2}', 'it is of version 2, this forsun reads version 1'],
  ['{"kind":"once"}', 'kind is "once", expected "interval" or "calendar"'],
  ['{"kind":"interval"}', 'it has no key'],
  ['{"kind":"interval","key":7}', 'key is no text'],
  ['{"kind":"interval","key":"k","action":"a","params":[["x"]]}', 'a param is no pair of texts'],
  ['{"kind":"interval","key":"k","action":"a","params":{"x":1}}', 'a param is no pair of texts'],
  ['{"kind":"interval","key":"k","action":"a"}', 'params is no object, and no list of pairs'],
  ['{"kind":"interval","key":"k","action":"a","count":"1"}', 'count is no whole number'],
  ['{"kind":"interval","key":"k","next":1}', 'no field is called "next"'],
  ['{"kind":"interval","key":"k","constructor":1}', 'no field is called "constructor"'],
])('%s is refused: %s', (line, reason) => {
  expect(() => readPlanLine(line)).toThrow(reason);
});
