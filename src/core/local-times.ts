import { countDays, type DayRule, lastDay, matchesDay, nextDay } from './calendar-days.ts';
import { secondsPerDay } from './civil-date.ts';

/** What a clock on the wall shows, as seconds since its own 1970-01-01 00:00:00. */
export type LocalSeconds = number & { readonly __unit: 'LocalSeconds' };

export const localSeconds = (value: number): LocalSeconds => value as LocalSeconds;

/** Seconds, minutes and hours that match, each ascending and never empty; and the days. */
export interface LocalRule {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: DayRule;
}

/** The first matching time not before `from`; undefined when none comes within 400 years. */
export function nextLocal(rule: LocalRule, from: LocalSeconds): LocalSeconds | undefined {
  const today = Math.floor(from / secondsPerDay);
  if (matchesDay(rule.days, today)) {
    const time = nextTimeOfDay(rule, from - today * secondsPerDay);
    if (time !== undefined) return localSeconds(today * secondsPerDay + time);
  }
  const day = nextDay(rule.days, today + 1);
  if (day === undefined) return undefined;
  return localSeconds(day * secondsPerDay + (nextTimeOfDay(rule, 0) ?? 0));
}

/** The last matching time not after `upTo`; undefined when there was none for 400 years. */
export function lastLocal(rule: LocalRule, upTo: LocalSeconds): LocalSeconds | undefined {
  const today = Math.floor(upTo / secondsPerDay);
  if (matchesDay(rule.days, today)) {
    const time = lastTimeOfDay(rule, upTo - today * secondsPerDay);
    if (time !== undefined) return localSeconds(today * secondsPerDay + time);
  }
  const day = lastDay(rule.days, today - 1);
  if (day === undefined) return undefined;
  return localSeconds(day * secondsPerDay + (lastTimeOfDay(rule, secondsPerDay - 1) ?? 0));
}

/** How many times in [from, before) match; by days, not by seconds. */
export function countLocal(rule: LocalRule, from: LocalSeconds, before: LocalSeconds): number {
  if (before <= from) return 0;
  const firstDay = Math.floor(from / secondsPerDay);
  const endDay = Math.floor(before / secondsPerDay);
  const timesPerDay = rule.hours.length * rule.minutes.length * rule.seconds.length;
  const beforeFirst = matchesDay(rule.days, firstDay)
    ? timesBefore(rule, from - firstDay * secondsPerDay)
    : 0;
  const onEndDay = matchesDay(rule.days, endDay)
    ? timesBefore(rule, before - endDay * secondsPerDay)
    : 0;
  return countDays(rule.days, firstDay, endDay) * timesPerDay - beforeFirst + onEndDay;
}

function nextTimeOfDay({ hours, minutes, seconds }: LocalRule, from: number): number | undefined {
  const [hour, minute, second] = clockOf(from);
  const nextSecond = atLeast(seconds, second);
  const nextMinute = atLeast(minutes, nextSecond === undefined ? minute + 1 : minute);
  const nextHour = atLeast(hours, nextMinute === undefined ? hour + 1 : hour);
  if (nextHour === undefined) return undefined;
  if (nextHour > hour) return secondOfDay(nextHour, minutes[0], seconds[0]);
  if (nextMinute !== minute) return secondOfDay(nextHour, nextMinute, seconds[0]);
  return secondOfDay(nextHour, nextMinute, nextSecond);
}

function lastTimeOfDay({ hours, minutes, seconds }: LocalRule, upTo: number): number | undefined {
  const [hour, minute, second] = clockOf(upTo);
  const lastSecond = atMost(seconds, second);
  const lastMinute = atMost(minutes, lastSecond === undefined ? minute - 1 : minute);
  const lastHour = atMost(hours, lastMinute === undefined ? hour - 1 : hour);
  if (lastHour === undefined) return undefined;
  if (lastHour < hour) return secondOfDay(lastHour, minutes.at(-1), seconds.at(-1));
  if (lastMinute !== minute) return secondOfDay(lastHour, lastMinute, seconds.at(-1));
  return secondOfDay(lastHour, lastMinute, lastSecond);
}

/** How many matching times of a day lie before that second of it. */
function timesBefore({ hours, minutes, seconds }: LocalRule, time: number): number {
  const [hour, minute, second] = clockOf(time);
  const wholeHours = countBelow(hours, hour) * minutes.length * seconds.length;
  if (!hours.includes(hour)) return wholeHours;
  const wholeMinutes = wholeHours + countBelow(minutes, minute) * seconds.length;
  return minutes.includes(minute) ? wholeMinutes + countBelow(seconds, second) : wholeMinutes;
}

const clockOf = (time: number): readonly [number, number, number] => [
  Math.floor(time / 3_600),
  Math.floor(time / 60) % 60,
  time % 60,
];

const secondOfDay = (hour = 0, minute = 0, second = 0): number =>
  hour * 3_600 + minute * 60 + second;

const atLeast = (values: readonly number[], floor: number): number | undefined =>
  values.find((value) => value >= floor);

const atMost = (values: readonly number[], ceiling: number): number | undefined =>
  values.findLast((value) => value <= ceiling);

const countBelow = (values: readonly number[], limit: number): number => {
  const index = values.findIndex((value) => value >= limit);
  return index < 0 ? values.length : index;
};
