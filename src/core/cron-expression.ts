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

/** Item by item, because cron-parser refuses lists that name a value twice, such as 0,7 or 1-5,3. */
function readField(text: string, index: number, expression: string): CronField {
  const items = text.split(',').map((item) => readItem(item, index, expression));
  const nth = items.find((item) => item.nth > 0)?.nth ?? 0;
  if (nth > 0 && items.length > 1) throw unreadable(expression, `# in a list, ${text}`);
  return {
    values: [...new Set(items.flatMap(({ values }) => values))].sort((a, b) => a - b),
    isAny: items.length === 1 && items.every(({ isAny }) => isAny),
    hasLastDay: items.some(({ hasLastDay }) => hasLastDay),
    nth,
    lastWeekdays: items.flatMap(({ lastWeekdays }) => lastWeekdays),
  };
}

function readItem(text: string, index: number, expression: string): CronField {
  const [name, size] = fields[index] ?? ['second', 0];
  checkItem(text, size, expression);
  const alone = fields.map((_, place) => (place === index ? text : '*')).join(' ');
  try {
    const read = CronExpressionParser.parse(alone, { tz: 'UTC', currentDate: 0 }).fields;
    const values: readonly (number | string)[] = read[name].values;
    const isWeekday = name === 'dayOfWeek';
    return {
      values: values
        .filter((value) => typeof value === 'number')
        .map((value) => (isWeekday ? value % 7 : value)),
      isAny: read[name].isWildcard,
      hasLastDay: values.includes('L'),
      nth: isWeekday ? read.dayOfWeek.nthDay : 0,
      lastWeekdays: values.flatMap((value) =>
        isWeekday && typeof value === 'string' ? [Number.parseInt(value, 10) % 7] : [],
      ),
    };
  } catch (error) {
    throw unreadable(expression, error instanceof Error ? error.message : String(error));
  }
}

/** What cron-parser takes for what it is not: nothing, a step beyond the field, a value drawn by lot. */
function checkItem(text: string, size: number, expression: string): void {
  if (text === '') throw unreadable(expression, 'an empty item in a list');
  const step = /\/(\d+)/.exec(text)?.[1];
  if (step !== undefined && Number(step) > size) {
    throw unreadable(expression, `the step ${step} in ${text}, expected at most ${size}`);
  }
  if (/(?<![a-z])H(?![a-z])/i.test(text)) {
    throw unreadable(expression, `a value drawn by lot in ${text}, expected a fixed one`);
  }
}

const unreadable = (expression: string, reason: string): Error =>
  badArgument(`cannot read the cron expression ${quote(expression)}: ${reason}`);

/** A set as bits, `first` being bit 0. */
const bits = (values: readonly number[], first: number): number =>
  values.reduce((set, value) => set | (1 << (value - first)), 0);
