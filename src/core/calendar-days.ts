import {
  civilDate,
  dayNumber,
  type DayNumber,
  daysInMonth,
  gregorianCycleYears,
  weekdayOf,
} from './civil-date.ts';

/** Which days a rule matches. Sets are bits: bit 0 is day 1, January, or Sunday. */
export interface DayRule {
  /** The one year it matches in; absent: any. */
  readonly year?: number;
  readonly months: number;
  readonly monthDays: number;
  /** The last day of each month matches as a day of the month. */
  readonly hasLastDay: boolean;
  readonly weekdays: number;
  /** Weekdays match only where they are the nth of their month. */
  readonly nth?: number;
  /** Weekdays that match where they are the last of their month. */
  readonly lastWeekdays: number;
  /** True: day of the month or weekday is enough; false: both must match. */
  readonly isEither: boolean;
}

export const allBits = (size: number): number => 2 ** size - 1;

const monthsPerCycle = gregorianCycleYears * 12;

export function matchesDay(rule: DayRule, day: DayNumber): boolean {
  const date = civilDate(day);
  return (daysOfMonth(rule, date.year, date.month) & (1 << (date.day - 1))) !== 0;
}

/** The first matching day not before `from`; undefined when none comes within 400 years. */
export function nextDay(rule: DayRule, from: DayNumber): DayNumber | undefined {
  let { year, month, day } = civilDate(from);
  if (rule.year !== undefined && year < rule.year) [year, month, day] = [rule.year, 1, 1];
  for (let searched = 0; searched <= monthsPerCycle; searched++) {
    if (rule.year !== undefined && year > rule.year) return undefined;
    const ahead = daysOfMonth(rule, year, month) & (-1 << (day - 1));
    if (ahead !== 0) return dayNumber(year, month, lowestBit(ahead) + 1);
    [year, month, day] = month === 12 ? [year + 1, 1, 1] : [year, month + 1, 1];
  }
  return undefined;
}

/** The last matching day not after `upTo`; undefined when there was none for 400 years. */
export function lastDay(rule: DayRule, upTo: DayNumber): DayNumber | undefined {
  let { year, month, day } = civilDate(upTo);
  if (rule.year !== undefined && year > rule.year) [year, month, day] = [rule.year, 12, 31];
  for (let searched = 0; searched <= monthsPerCycle; searched++) {
    if (rule.year !== undefined && year < rule.year) return undefined;
    const behind = daysOfMonth(rule, year, month) & allBits(day);
    if (behind !== 0) return dayNumber(year, month, highestBit(behind) + 1);
    [year, month, day] = month === 1 ? [year - 1, 12, 31] : [year, month - 1, 31];
  }
  return undefined;
}

/** How many days in [from, before) match. */
export function countDays(rule: DayRule, from: DayNumber, before: DayNumber): number {
  let counted = 0;
  for (let first = from; first < before;) {
    const { year, month, day } = civilDate(first);
    const monthEnd = first - day + 1 + daysInMonth(year, month);
    const end = Math.min(monthEnd, before);
    const bits =
      daysOfMonth(rule, year, month) & (-1 << (day - 1)) & allBits(day - 1 + end - first);
    counted += bitCount(bits);
    first = end;
  }
  return counted;
}

/** The matching days of one month, as bits. */
function daysOfMonth(rule: DayRule, year: number, month: number): number {
  if ((rule.months & (1 << (month - 1))) === 0) return 0;
  if (rule.year !== undefined && rule.year !== year) return 0;
  const length = daysInMonth(year, month);
  const firstWeekday = weekdayOf(dayNumber(year, month, 1));
  const byDate = rule.monthDays | (rule.hasLastDay ? 1 << (length - 1) : 0);
  const nthWeek = rule.nth === undefined ? -1 : 0b111_1111 << (7 * (rule.nth - 1));
  const lastWeek = 0b111_1111 << (length - 7);
  const byWeekday =
    (spreadWeekdays(rule.weekdays, firstWeekday) & nthWeek) |
    (spreadWeekdays(rule.lastWeekdays, firstWeekday) & lastWeek);
  return (rule.isEither ? byDate | byWeekday : byDate & byWeekday) & allBits(length);
}

/** Weekdays as the days of a month that begins with that weekday. */
function spreadWeekdays(weekdays: number, first: number): number {
  const week = ((weekdays >> first) | (weekdays << (7 - first))) & 0b111_1111;
  return week | (week << 7) | (week << 14) | (week << 21) | (week << 28);
}

const highestBit = (bits: number): number => 31 - Math.clz32(bits);
const lowestBit = (bits: number): number => highestBit(bits & -bits);

function bitCount(bits: number): number {
  let counted = 0;
  for (let left = bits; left !== 0; left &= left - 1) counted++;
  return counted;
}
