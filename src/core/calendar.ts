import { BoundedCache } from './bounded-cache.ts';
import { allBits } from './calendar-days.ts';
import { parseCron } from './cron-expression.ts';
import type { LocalRule } from './local-times.ts';
import { reachedTimes } from './reached-times.ts';
import type { CalendarSchedule, CronSchedule } from './schedule.ts';
import { shownTimes } from './shown-times.ts';
import type { UnixSeconds } from './time.ts';
import { zoneOf } from './zone.ts';

/** A calendar rule in its zone, compiled; a pure value. */
export interface Calendar {
  /** The first matching second strictly later; undefined when none comes within 400 years. */
  next(after: UnixSeconds): UnixSeconds | undefined;
  /** The newest matching second in [from, upTo]; undefined when there is none. */
  last(from: UnixSeconds, upTo: UnixSeconds): UnixSeconds | undefined;
  /** How many seconds in [from, before) match. */
  count(from: UnixSeconds, before: UnixSeconds): number;
}

const calendars = new BoundedCache<string, Calendar>(4_096);

/**
 * The compiled rule of a schedule, from a bounded cache. Refuses an expression or a zone that cannot be
 * read with bad_argument.
 */
export function calendarOf(schedule: CalendarSchedule | CronSchedule): Calendar {
  const content = contentOf(schedule);
  const known = calendars.get(content);
  if (known !== undefined) return known;
  const calendar = compile(schedule);
  calendars.set(content, calendar);
  return calendar;
}

function contentOf(schedule: CalendarSchedule | CronSchedule): string {
  if (schedule.kind === 'cron') return `${schedule.zone} ${schedule.expression}`;
  const { second = '', minute = '', hour = '', day = '', month = '', week = '' } = schedule.fields;
  const { zone, year = '' } = schedule;
  return `${zone},${second},${minute},${hour},${day},${month},${week},${year}`;
}

function compile(schedule: CalendarSchedule | CronSchedule): Calendar {
  const rule = schedule.kind === 'cron' ? parseCron(schedule.expression) : ruleOf(schedule);
  const zone = zoneOf(schedule.zone);
  // Without a word about hours a plan means a pace, with one it means times of the day.
  return remembering(rule.hours.length === 24 ? shownTimes(rule, zone) : reachedTimes(rule, zone));
}

/** Every given field must match; `week` takes 0 and 7 for Sunday. */
function ruleOf({ fields, year }: CalendarSchedule): LocalRule {
  const { second, minute, hour, day, month, week } = fields;
  return {
    seconds: second === undefined ? upTo(60) : [second],
    minutes: minute === undefined ? upTo(60) : [minute],
    hours: hour === undefined ? upTo(24) : [hour],
    days: {
      ...(year !== undefined && { year }),
      months: month === undefined ? allBits(12) : 1 << (month - 1),
      monthDays: day === undefined ? allBits(31) : 1 << (day - 1),
      hasLastDay: false,
      weekdays: week === undefined ? allBits(7) : 1 << (week % 7),
      lastWeekdays: 0,
      isEither: false,
    },
  };
}

const upTo = (size: number): number[] => Array.from({ length: size }, (_, value) => value);

/** Many plans share a rule and a due time: the second to ask gets the first one's answer. */
function remembering(calendar: Calendar): Calendar {
  let asked: UnixSeconds | undefined;
  let answer: UnixSeconds | undefined;
  return {
    ...calendar,
    next(after) {
      if (after !== asked) {
        answer = calendar.next(after);
        asked = after;
      }
      return answer;
    },
  };
}
