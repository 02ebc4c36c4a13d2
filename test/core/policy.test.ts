import fc from 'fast-check';
import { expect, test } from 'vitest';

import { actionParams, defaultPolicy, policyOf } from '../../src/core/policy.ts';

const params = (given: Record<string, string>) => new Map(Object.entries(given));

test('without forsun. params a plan has the default policy', () => {
  expect(policyOf(params({ cmd: 'true', forsun: 'x' }))).toBe(defaultPolicy);
  expect(defaultPolicy).toEqual({
    misfire: 'fire_once',
    misfireThresholdSeconds: 60,
    maxUnfinished: 10,
  });
});

test('every policy can be set', () => {
  expect(
    policyOf(
      params({
        'forsun.misfire': 'fire_all',
        'forsun.misfire_threshold': '0',
        'forsun.retries': '0',
        'forsun.timeout': '86400',
        'forsun.max_unfinished': '1',
        'forsun.timezone': 'Europe/Berlin',
      }),
    ),
  ).toEqual({
    misfire: 'fire_all',
    misfireThresholdSeconds: 0,
    retries: 0,
    timeoutSeconds: 86_400,
    maxUnfinished: 1,
  });
});

test.each([
  ['forsun.misfire', 'all', 'fire_once, fire_all or skip'],
  ['forsun.misfire_threshold', '-1', '0 to 316224000'],
  ['forsun.retries', '101', '0 to 100'],
  ['forsun.retries', '1e1', '0 to 100'],
  ['forsun.timeout', '0', '1 to 86400'],
  ['forsun.max_unfinished', '', '1 to 100'],
  ['forsun.max_unfinished', '0', '1 to 100'],
])('%s=%s is refused and says what was expected', (name, value, expected) => {
  expect(() => policyOf(params({ [name]: value }))).toThrow(
    expect.objectContaining({
      code: 'bad_argument',
      message: expect.stringMatching(`${name} is ${JSON.stringify(value)}.*${expected}`) as string,
    }),
  );
});

test('an unknown forsun. name is refused by name', () => {
  for (const name of ['forsun.retry', 'forsun.', 'forsun.__proto__', 'forsun.Misfire']) {
    expect(() => policyOf(params({ [name]: '1' }))).toThrow(
      expect.objectContaining({
        code: 'bad_argument',
        message: expect.stringContaining(name) as string,
      }),
    );
  }
});

test('an action sees all params but those of the policy, in their order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.string())), (entries) => {
      const plain = new Map(entries.filter(([name]) => !name.startsWith('forsun.')));
      const mixed = new Map([['forsun.retries', '1'], ...plain, ['forsun.misfire', 'skip']]);
      expect([...actionParams(mixed)]).toEqual([...plain]);
      expect(actionParams(plain)).toBe(plain);
    }),
  );
});
