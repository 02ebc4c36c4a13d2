import { z } from 'zod';

import { civilDate, dayNumber, secondsPerDay } from '../../../core/civil-date.ts';
import type { PlanRequest } from '../../../core/plan.ts';
import type { CalendarSchedule, FieldValues, Schedule } from '../../../core/schedule.ts';
import { type UnixSeconds, unixSeconds } from '../../../core/time.ts';
import { givenTime, shownTime, showTime } from './times.ts';
import { object, text, wholeNumber } from './values.ts';

/** What one field of an interval can say; the largest unit that is always as long is the day. */
const maxField = 32_767;
const maxEvery = maxField * secondsPerDay;

const intervalFields = object({
  second: wholeNumber(0, maxField).exactOptional(),
  minute: wholeNumber(0, maxField).exactOptional(),
  hour: wholeNumber(0, maxField).exactOptional(),
  day: wholeNumber(0, maxField).exactOptional(),
  month: wholeNumber(0, maxField).exactOptional().describe('Of 30 days'),
  week: wholeNumber(0, maxField).exactOptional(),
}).describe('What the fields add up to');

const calendarFields = object({
  second: wholeNumber(0, 59).exactOptional(),
  minute: wholeNumber(0, 59).exactOptional(),
  hour: wholeNumber(0, 23).exactOptional(),
  day: wholeNumber(1, 31).exactOptional(),
  month: wholeNumber(1, 12).exactOptional(),
  week: wholeNumber(0, 7).exactOptional().describe('Day of the week; 0 and 7 are Sunday'),
  year: wholeNumber(1970, 9999)
    .exactOptional()
    .describe('Only beside second to month: the year of that one moment; absent: this year'),
}).describe('Every given field must match; one that is absent matches always, second too');

const timezone = text('the name of a time zone, such as "Europe/Berlin"');
const interval = wholeNumber(0, maxEvery);
const everyExpected = `seconds, a whole number, 0 to ${maxEvery}, or an object of fields`;
const count = wholeNumber(0, Number.MAX_SAFE_INTEGER).describe(
  'Firings before the plan ends; 0: for ever',
);

const everySchedule = object({
  every: z.union([interval.describe('Seconds'), intervalFields], everyExpected),
  count: count.default(0),
}).describe('Again and again, counted from now');
const inSchedule = object({ in: interval.describe('Seconds') }).describe('Once, counted from now');
const atSchedule = object({ at: givenTime }).describe('Once, at that time');
const cronSchedule = object({
  cron: text('a cron expression').describe('Five fields, or six with seconds first'),
  timezone: timezone.exactOptional(),
}).describe('Whenever the expression matches');
const calendarSchedule = object({
  calendar: calendarFields,
  timezone: timezone.exactOptional(),
}).describe('Whenever the fields match');

/** When a plan is to fire. */
export const givenSchedule = z.union(
  [everySchedule, inSchedule, atSchedule, cronSchedule, calendarSchedule],
  'an object with every, in, at, cron or calendar in it',
);

/** When a plan fires, such that it may be sent back: what counts from now is answered as `every`. */
export const shownSchedule = z.union([
  z.strictObject({ every: z.int().min(0).describe('Seconds'), count }),
  z.strictObject({ at: shownTime }),
  z.strictObject({ cron: z.string(), timezone: z.string() }),
  z.strictObject({ calendar: calendarFields, timezone: z.string() }),
]);

type Wanted = Pick<PlanRequest, 'kind' | 'fields' | 'year' | 'count'> & {
  /** The params that say the rest of it. */
  readonly params: readonly (readonly [name: string, value: string])[];
};

/** The schedule as core asks for it. */
export function wantedSchedule(schedule: z.output<typeof givenSchedule>): Wanted {
  if ('every' in schedule) {
    const { every } = schedule;
    const fields = typeof every === 'number' ? fieldsOf(every) : every;
    return { kind: 'interval', fields, count: schedule.count, params: [] };
  }
  if ('in' in schedule) {
    return { kind: 'interval', fields: fieldsOf(schedule.in), count: 1, params: [] };
  }
  if ('at' in schedule) {
    const moment = { ...momentOf(schedule.at), count: 0 };
    return { kind: 'calendar', ...moment, params: [['forsun.timezone', 'UTC']] };
  }
  const { timezone } = schedule;
  const params = timezone === undefined ? [] : [['forsun.timezone', timezone] as const];
  if ('cron' in schedule) {
    const cron = ['forsun.cron', schedule.cron] as const;
    return { kind: 'calendar', fields: {}, count: 0, params: [cron, ...params] };
  }
  const { year, ...fields } = schedule.calendar;
  return { kind: 'calendar', fields, count: 0, params, ...(year !== undefined && { year }) };
}

/** So many seconds as an interval's fields: in seconds alone where they can say it. */
function fieldsOf(seconds: number): FieldValues {
  if (seconds <= maxField) return { second: seconds };
  return {
    day: Math.floor(seconds / secondsPerDay),
    hour: Math.floor(seconds / 3_600) % 24,
    minute: Math.floor(seconds / 60) % 60,
    second: seconds % 60,
  };
}

function momentOf(time: UnixSeconds): Pick<PlanRequest, 'fields'> & { readonly year: number } {
  const { year, month, day } = civilDate(Math.floor(time / secondsPerDay));
  const second = time % 60;
  const minute = Math.floor(time / 60) % 60;
  const hour = Math.floor(time / 3_600) % 24;
  return { year, fields: { second, minute, hour, day, month } };
}

/** The schedule of a plan as it is answered. */
export function showSchedule(schedule: Schedule, count: number): z.output<typeof shownSchedule> {
  if (schedule.kind === 'interval') return { every: schedule.everySeconds, count };
  const { zone: timezone } = schedule;
  if (schedule.kind === 'cron') return { cron: schedule.expression, timezone };
  const at = momentIn(schedule);
  if (at !== undefined) return { at: showTime(at) };
  const { fields, year } = schedule;
  return { calendar: { ...fields, ...(year !== undefined && { year }) }, timezone };
}

/** The one time at which it fires, when it can be told without a zone's clock. */
function momentIn({ fields, zone, year }: CalendarSchedule): UnixSeconds | undefined {
  const { second = 0, minute = 0, hour = 0, day = 1, month = 1, week } = fields;
  if (year === undefined || zone !== 'UTC' || week !== undefined) return undefined;
  const days = dayNumber(year, month, day);
  return unixSeconds(days * secondsPerDay + hour * 3_600 + minute * 60 + second);
}
