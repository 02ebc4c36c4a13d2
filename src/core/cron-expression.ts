import { CronExpressionParser } from 'cron-parser';

import { allBits } from './calendar-days.ts';
import { badArgument, type ForsunError, neverFires, quote } from './errors.ts';
import type { LocalRule } from './local-times.ts';

/** Largest step of second, minute, hour, day of month, month, day of week. */
const fieldSizes = [60, 60, 24, 31, 12, 7] as const;

/**
 * Reads five or six fields, seconds first when six: values, lists, ranges, steps, names, `?` for `*`, `L`
 * (last day of the month), `5L` (last Friday) and `1#2` (second Monday). When day of the month and day of
 * the week are both restricted, that is neither is `*` alone, a day that matches one of them matches, as in
 * crontab(5). Refuses what it cannot read with bad_argument, an impossible date with never_fires.
 */
export function parseCron(expression: string): LocalRule {
  checkShape(expression);
  const { second, minute, hour, dayOfMonth, month, dayOfWeek } = parsedFields(expression);
  const weekdays = numbers(dayOfWeek.values).map((day) => day % 7);
  return {
    seconds: numbers(second.values),
    minutes: numbers(minute.values),
    hours: numbers(hour.values),
    days: {
      months: bits(numbers(month.values), 1),
      monthDays: dayOfMonth.isWildcard ? allBits(31) : bits(numbers(dayOfMonth.values), 1),
      hasLastDay: dayOfMonth.hasLastChar,
      weekdays: bits(weekdays, 0),
      ...(dayOfWeek.nthDay > 0 && { nth: dayOfWeek.nthDay }),
      lastWeekdays: bits(lastWeekdays(dayOfWeek.values), 0),
      isEither: !dayOfMonth.isWildcard && !dayOfWeek.isWildcard,
    },
  };
}

/** What cron-parser lets pass: missing fields, steps that never come round, random values (`H`). */
function checkShape(expression: string): void {
  const fields = expression.trim().split(/\s+/);
  if (fields.length < 5 || fields.length > 6) {
    const found = expression.trim() === '' ? 0 : fields.length;
    throw unreadable(expression, `it has ${found} fields, expected 5, or 6 with seconds first`);
  }
  for (const [index, size] of fieldSizes.slice(6 - fields.length).entries()) {
    for (const [, step] of (fields[index] ?? '').matchAll(/\/(\d+)/g)) {
      if (Number(step) > size) {
        throw unreadable(expression, `its step ${step ?? ''} is larger than the field, ${size}`);
      }
    }
  }
  if (/(?<![a-z])H(?![a-z])/i.test(expression)) {
    throw unreadable(expression, 'H stands for a random value, expected a fixed one');
  }
}

function parsedFields(expression: string): ReturnType<typeof CronExpressionParser.parse>['fields'] {
  try {
    return CronExpressionParser.parse(expression, { tz: 'UTC', currentDate: 0 }).fields;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason.startsWith('Invalid explicit day of month')) {
      throw neverFires(`no month it names has the day of month of ${quote(expression)}`);
    }
    throw unreadable(expression, reason);
  }
}

const unreadable = (expression: string, reason: string): ForsunError =>
  badArgument(`cannot read the cron expression ${quote(expression)}: ${reason}`);

type CronValues = readonly (number | string)[];

const numbers = (values: CronValues): number[] =>
  values.filter((value) => typeof value === 'number').sort((a, b) => a - b);

/** The days of `5L` and the like; 7 is Sunday. */
const lastWeekdays = (values: CronValues): number[] =>
  values.flatMap((value) => (typeof value === 'string' ? [Number.parseInt(value, 10) % 7] : []));

/** A set as bits, `first` being bit 0. */
export const bits = (values: readonly number[], first: number): number =>
  values.reduce((set, value) => set | (1 << (value - first)), 0);
