import type { CalendarSchedule, FieldValues, IntervalSchedule } from '../core/schedule.ts';
import type { UnixSeconds } from '../core/time.ts';
import { BadOriginal, type OriginalFields, type OriginalPlan } from './original-plan.ts';

/** The due time does not match the fields: times are read in another zone than they were written in. */
export class WrongZone extends BadOriginal {}

export type MovedSchedule = IntervalSchedule | CalendarSchedule;

/** When the plan fires, as this server says it; `dueTime` is the next time. Throws BadOriginal. */
export function scheduleOf(plan: OriginalPlan, dueTime: UnixSeconds): MovedSchedule {
  return plan.isInterval ? intervalOf(plan.fields) : calendarOf(plan.fields, dueTime);
}

const unitSeconds = {
  second: 1,
  minute: 60,
  hour: 3_600,
  day: 86_400,
  month: 30 * 86_400,
  week: 7 * 86_400,
} as const;

/** What a field of the wire can say; the HTTP door of the original took any number. */
const largestField = 32_767;

function intervalOf(given: OriginalFields): IntervalSchedule {
  let everySeconds = 0;
  for (const [name, value] of Object.entries(given)) {
    everySeconds += value * unitSeconds[name as keyof OriginalFields];
  }
  const isSayable = Object.values(given).every((value) => value <= largestField);
  const fields = isSayable ? given : inLargerUnits(everySeconds);
  return { kind: 'interval', everySeconds, fields };
}

function inLargerUnits(seconds: number): FieldValues {
  const day = Math.floor(seconds / unitSeconds.day);
  if (day > largestField) throw new BadOriginal(`its interval is ${day} days, which is too long`);
  return {
    second: seconds % 60,
    minute: Math.floor(seconds / 60) % 60,
    hour: Math.floor(seconds / 3_600) % 24,
    day,
  };
}

/** The original reads calendar fields in UTC, and leaves the week alone. */
function calendarOf(fields: OriginalFields, dueTime: UnixSeconds): CalendarSchedule {
  const due = new Date(dueTime * 1000);
  const parts: Required<Omit<OriginalFields, 'week'>> = {
    second: due.getUTCSeconds(),
    minute: due.getUTCMinutes(),
    hour: due.getUTCHours(),
    day: due.getUTCDate(),
    month: due.getUTCMonth() + 1,
  };
  const names = Object.keys(parts) as (keyof typeof parts)[];
  const wrong = names.find((name) => fields[name] !== undefined && fields[name] !== parts[name]);
  if (wrong !== undefined) {
    throw new WrongZone(
      `it fires at ${wrong} ${fields[wrong]} in UTC, but would be due at ${due.toISOString()}: is --source-timezone right?`,
    );
  }
  const isOneMoment = names.every((name) => fields[name] !== undefined);
  const year = due.getUTCFullYear();
  return { kind: 'calendar', fields, zone: 'UTC', ...(isOneMoment ? { year } : {}) };
}
