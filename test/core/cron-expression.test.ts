import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseCron } from '../../src/core/cron-expression.ts';

const everyDay = {
  months: 2 ** 12 - 1,
  monthDays: 2 ** 31 - 1,
  hasLastDay: false,
  weekdays: 2 ** 7 - 1,
  lastWeekdays: 0,
  isEither: false,
};

describe('fields', () => {
  test('five begin with the minute, six with the second', () => {
    expect(parseCron('30 4 * * *')).toEqual({
      seconds: [0],
      minutes: [30],
      hours: [4],
      days: everyDay,
    });
    expect(parseCron('15 30 4 * * *').seconds).toEqual([15]);
    expect(parseCron('  15\t30  4 * * * ')).toEqual(parseCron('15 30 4 * * *'));
  });

  test('lists, ranges and steps', () => {
    expect(parseCron('0,30,5 9-17/4 * * *')).toMatchObject({
      minutes: [0, 5, 30],
      hours: [9, 13, 17],
    });
    expect(parseCron('*/20 5/6 * * *')).toMatchObject({
      minutes: [0, 20, 40],
      hours: [5, 11, 17, 23],
    });
  });

  test('a value named twice counts once, as in crontab(5)', () => {
    expect(parseCron('1,1,1-3,*/30 * * * *').minutes).toEqual([0, 1, 2, 3, 30]);
  });

  test('names in any case, and 0 and 7 for Sunday', () => {
    expect(parseCron('0 0 * JAN,dec Mon-Fri').days).toMatchObject({
      months: 0b1000_0000_0001,
      weekdays: 0b11_1110,
    });
    for (const sunday of ['0', '7', 'sun', 'SUN', '0,7']) {
      expect(parseCron(`0 0 * * ${sunday}`).days.weekdays).toBe(1);
    }
    expect(parseCron('0 0 * * 5-7').days.weekdays).toBe(0b110_0001);
  });

  test('? is * in days', () => {
    expect(parseCron('0 0 ? * ?')).toEqual(parseCron('0 0 * * *'));
    expect(parseCron('0 0 ? * 1')).toEqual(parseCron('0 0 * * 1'));
  });

  test('L, 5L and 1#2', () => {
    expect(parseCron('0 0 15,L * *').days).toMatchObject({ hasLastDay: true, monthDays: 1 << 14 });
    expect(parseCron('0 0 * * 1,5L').days).toMatchObject({ weekdays: 0b10, lastWeekdays: 1 << 5 });
    expect(parseCron('0 0 * * 7L').days).toMatchObject({ weekdays: 0, lastWeekdays: 1 });
    expect(parseCron('0 0 * * MON#2').days).toMatchObject({ weekdays: 0b10, nth: 2 });
  });

  test('only * alone leaves a day field unrestricted', () => {
    const isEither = (expression: string) => parseCron(expression).days.isEither;
    expect(isEither('0 0 1 * 1')).toBe(true);
    expect(isEither('0 0 */2 * 1')).toBe(true);
    expect(isEither('0 0 1 * 0-6')).toBe(true);
    expect(isEither('0 0 * * 1')).toBe(false);
    expect(isEither('0 0 L * *')).toBe(false);
  });
});

describe('refusals', () => {
  test.each([
    ['', '0 fields, expected 5'],
    ['5', '1 fields'],
    ['* *', '2 fields'],
    ['* * * *', '4 fields'],
    ['0 0 0 1 1 * 2027', '7 fields'],
    ['@daily', '1 fields'],
    ['60 * * * *', '60'],
    ['* 24 * * *', '24'],
    ['* * 0 * *', '0'],
    ['* * 32 * *', '32'],
    ['* * * 13 *', '13'],
    ['* * * * 8', '8'],
    ['-1 * * * *', '-1'],
    ['5-1 * * * *', '5-1'],
    ['0 0 * * fri-mon', '5-1'],
    ['*/0 * * * *', '0'],
    ['*/61 * * * *', 'the step 61'],
    ['0 1/25 * * *', 'the step 25'],
    ['0,,1 * * * *', 'list'],
    [', * * * *', 'list'],
    ['1.5 * * * *', '1.5'],
    ['a * * * *', 'a'],
    ['0 0 * foo *', 'foo'],
    ['0 0 15W * *', '15W'],
    ['0 0 L-3 * *', '3'],
    ['0 0 * * L', 'L'],
    ['0 0 * * 1#6', '#'],
    ['0 0 * * 1,3#2', '#'],
    ['H * * * *', 'drawn by lot'],
    ['H/15 * * * *', 'drawn by lot'],
    ['0 H(1-3) * * *', 'drawn by lot'],
  ])('"%s": %s', (expression, reason) => {
    expect(() => parseCron(expression)).toThrow(
      expect.objectContaining({
        code: 'bad_argument',
        message: expect.stringMatching(
          `cron expression ${JSON.stringify(expression)}.*${reason}`
            .replace(/[*()?[\]{}+^$|]/g, '\\$&')
            .replace('.\\*', '.*'),
        ) as string,
      }),
    );
  });

  test('a text of any length is read or refused, never more', () => {
    const atom = fc.constantFrom(...'0123456789*/-,#?LHW abcjsun'.split(''));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: atom, maxLength: 40 })), (expression) => {
        try {
          const { seconds, minutes, hours } = parseCron(expression);
          for (const values of [seconds, minutes, hours]) expect(values).not.toHaveLength(0);
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad_argument' });
        }
      }),
      { numRuns: 2_000 },
    );
    expect(() => parseCron(`${'0,'.repeat(100_000)}0 * * * *`)).toThrow('at most 1024');
  });
});
