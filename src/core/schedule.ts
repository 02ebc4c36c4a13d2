import { calendarOf } from './calendar.ts';
import { addSeconds, type UnixSeconds, unixSeconds } from './time.ts';

/** The six fields of the wire as a client gave them; absent means unset ("any"). */
export interface FieldValues {
  readonly second?: number;
  readonly minute?: number;
  readonly hour?: number;
  readonly day?: number;
  readonly month?: number;
  readonly week?: number;
}

export interface IntervalSchedule {
  readonly kind: 'interval';
  /** 0 only for a plan that fires once, at once. */
  readonly everySeconds: number;
  readonly fields: FieldValues;
}

export interface CalendarSchedule {
  readonly kind: 'calendar';
  readonly fields: FieldValues;
  readonly zone: string;
  /** Set when second to month are all fixed: the one year in which it fires, once. */
  readonly year?: number;
}

export interface CronSchedule {
  readonly kind: 'cron';
  /** Five or six fields, as given. */
  readonly expression: string;
  readonly zone: string;
}

/** When a plan fires: plain data, so it can be stored, compared and sent as it is. */
export type Schedule = IntervalSchedule | CalendarSchedule | CronSchedule;

/** The first fire time of a plan made at `now`, not before it; undefined when there is none. */
export function firstFireTime(schedule: Schedule, now: UnixSeconds): UnixSeconds | undefined {
  return schedule.kind === 'interval'
    ? addSeconds(now, schedule.everySeconds)
    : nextFireTime(schedule, addSeconds(now, -1));
}

/** The first fire time strictly later than the fire time `after`; undefined when there is none. */
export function nextFireTime(schedule: Schedule, after: UnixSeconds): UnixSeconds | undefined {
  if (schedule.kind !== 'interval') return calendarOf(schedule).next(after);
  return schedule.everySeconds > 0 ? addSeconds(after, schedule.everySeconds) : undefined;
}

/** The newest fire time not later than `upTo`, given one that is not, `from`. */
export function newestFireTime(
  schedule: Schedule,
  from: UnixSeconds,
  upTo: UnixSeconds,
): UnixSeconds {
  if (schedule.kind !== 'interval') return calendarOf(schedule).last(from, upTo) ?? from;
  const { everySeconds } = schedule;
  if (everySeconds === 0 || upTo <= from) return from;
  return unixSeconds(upTo - ((upTo - from) % everySeconds));
}

/** How many fire times lie in [from, before), `from` being one of them. */
export function countFireTimes(schedule: Schedule, from: UnixSeconds, before: UnixSeconds): number {
  if (before <= from) return 0;
  if (schedule.kind !== 'interval') return calendarOf(schedule).count(from, before);
  return schedule.everySeconds === 0 ? 1 : Math.ceil((before - from) / schedule.everySeconds);
}
