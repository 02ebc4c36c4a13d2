import { CronExpressionParser } from 'cron-parser';

import { BoundedCache } from './bounded-cache.ts';
import { badArgument, quote } from './errors.ts';
import type { LocalRule } from './local-times.ts';

/**
 * Reads five or six fields, seconds first when six: values, lists, ranges, steps, names, `?` for `*`, `L`
 * (last day of the month), `5L` (last Friday) and `1#2` (second Monday). When day of the month and day of
 * the week are both restricted, that is neither is `*` alone, a day that matches one of them matches, as in
 * crontab(5). Refuses what it cannot read with bad_argument; that it ever matches is not checked.
 */
export function parseCron(expression: string): LocalRule {
  const texts = splitFields(expression);
  const field = (index: number): CronField => fieldOf(texts[index] ?? '', index, expression);
  const [second, minute, hour] = [field(0), field(1), field(2)];
  const [monthDay, month, weekday] = [field(3), field(4), field(5)];
  return {
    seconds: second.values,
    minutes: minute.values,
    hours: hour.values,
    days: {
      months: bits(month.values, 1),
      monthDays: bits(monthDay.values, 1),
      hasLastDay: monthDay.hasLastDay,
      weekdays: bits(weekday.values, 0),
      ...(weekday.nth > 0 && { nth: weekday.nth }),
      lastWeekdays: bits(weekday.lastWeekdays, 0),
      isEither: !monthDay.isAny && !weekday.isAny,
    },
  };
}

interface CronField {
  /** Ascending; 0 is Sunday, never 7. */
  readonly values: readonly number[];
  readonly isAny: boolean;
  readonly hasLastDay: boolean;
  readonly nth: number;
  readonly lastWeekdays: readonly number[];
}

/** What cron-parser calls the fields, and the largest step that comes round in each. */
const fields = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['dayOfMonth', 31],
  ['month', 12],
  ['dayOfWeek', 7],
] as const;

/** Naming every value of every field takes half of this. */
const maxLength = 1_024;

/** Expressions are many, their fields few; and reading a field costs more than a fire time. */
const readFields = new BoundedCache<string, CronField>(4_096);

function splitFields(expression: string): readonly string[] {
  if (expression.length > maxLength) {
    throw unreadable(expression, `${expression.length} characters, expected at most ${maxLength}`);
  }
  const texts = expression.trim() === '' ? [] : expression.trim().split(/\s+/);
  if (texts.length === 5) return ['0', ...texts];
  if (texts.length === 6) return texts;
  throw unreadable(expression, `${texts.length} fields, expected 5, or 6 with seconds first`);
}

function fieldOf(text: string, index: number, expression: string): CronField {
  const content = `${index} ${text}`;
  const known = readFields.get(content);
  if (known !== undefined) return known;
  const field = readField(text, index, expression);
  readFields.set(content, field);
  return field;
}

function readField(text: string, index: number, expression: string): CronField {
  const [name, size] = fields[index] ?? ['second', 0];
  // cron-parser takes both for what they are not: a step beyond the field, and a value drawn by lot.
  for (const [, step] of text.matchAll(/\/(\d+)/g)) {
    if (Number(step) > size)
      throw unreadable(expression, `the step ${step ?? ''} in ${text}, expected at most ${size}`);
  }
  if (/(?<![a-z])H(?![a-z])/i.test(text)) {
    throw unreadable(expression, `a value drawn by lot in ${text}, expected a fixed one`);
  }
  const alone = fields.map((_, place) => (place === index ? text : '*')).join(' ');
  try {
    const read = CronExpressionParser.parse(alone, { tz: 'UTC', currentDate: 0 }).fields;
    const field = read[name];
    const values: readonly (number | string)[] = field.values;
    return {
      values: numbersOf(values, name === 'dayOfWeek' ? 7 : Infinity),
      isAny: field.isWildcard,
      hasLastDay: name === 'dayOfMonth' && field.hasLastChar,
      nth: name === 'dayOfWeek' ? read.dayOfWeek.nthDay : 0,
      lastWeekdays: values.flatMap((value) =>
        typeof value === 'string' && value !== 'L' ? [Number.parseInt(value, 10) % 7] : [],
      ),
    };
  } catch (error) {
    throw unreadable(expression, error instanceof Error ? error.message : String(error));
  }
}

const unreadable = (expression: string, reason: string): Error =>
  badArgument(`cannot read the cron expression ${quote(expression)}: ${reason}`);

const numbersOf = (values: readonly (number | string)[], cycle: number): readonly number[] => {
  const numbers = values.filter((value) => typeof value === 'number');
  return [...new Set(numbers.map((value) => value % cycle))].sort((a, b) => a - b);
};

/** A set as bits, `first` being bit 0. */
const bits = (values: readonly number[], first: number): number =>
  values.reduce((set, value) => set | (1 << (value - first)), 0);
