import type { CalendarSchedule, CronSchedule } from './schedule.ts';
import type { UnixSeconds } from './time.ts';

/** A calendar rule in its zone, compiled; a pure value. */
export interface Calendar {
  /** The first matching second strictly later; undefined when none comes within 400 years. */
  next(after: UnixSeconds): UnixSeconds | undefined;
  /** The newest matching second in [from, upTo]; undefined when there is none. */
  last(from: UnixSeconds, upTo: UnixSeconds): UnixSeconds | undefined;
  /** How many seconds in [from, before) match. */
  count(from: UnixSeconds, before: UnixSeconds): number;
}

/** The compiled rule of a schedule, from a bounded cache; throws never_fires on what cannot be read. */
export function calendarOf(schedule: CalendarSchedule | CronSchedule): Calendar {
  throw new TypeError(`calendars are not built yet: ${schedule.kind}`);
}
