import { civilDate, secondsPerDay } from './civil-date.ts';
import { badArgument, neverFires, quote } from './errors.ts';
import type { PlanKeys } from './plan-key.ts';
import { checkKey, checkParams, defaultPlanLimits, type PlanLimits } from './plan-limits.ts';
import type { PlanDraft, PlanRequest } from './plan.ts';
import { policyOf } from './policy.ts';
import {
  type FieldValues,
  firstFireTime,
  type IntervalSchedule,
  type Schedule,
} from './schedule.ts';
import { checkHidden } from './secret-params.ts';
import type { UnixSeconds } from './time.ts';
import { localOf, type Zone, zoneOf } from './zone.ts';

/** What a request is judged by, beside itself. */
export interface DraftContext {
  /** By the store's clock: fire times count from here. */
  readonly now: UnixSeconds;
  readonly newKey: PlanKeys;
  /** Zone of plans that set none; absent: UTC. */
  readonly defaultZone?: string;
  readonly limits?: PlanLimits;
}

export interface JudgedRequest {
  readonly draft: PlanDraft;
  readonly firstFireTime: UnixSeconds;
}

/**
 * The plan a request asks for. Refuses a field out of range, and what never fires, with never_fires; a key,
 * param or policy that cannot be with bad_argument. The action and its own params are judged elsewhere.
 */
export function draftOf(request: PlanRequest, context: DraftContext): JudgedRequest {
  const draft = checkedDraft(request, context);
  const first = firstFireTime(draft.schedule, context.now);
  if (first === undefined) throw neverFires(whyNever(draft.schedule, context.now, request));
  return { draft, firstFireTime: first };
}

/** As draftOf, but that whether it ever fires is not asked. */
export function checkedDraft(request: PlanRequest, context: DraftContext): PlanDraft {
  const limits = context.limits ?? defaultPlanLimits;
  checkKey(request.key, limits);
  checkParams(request.params, limits);
  checkHidden(request.params);
  policyOf(request.params);
  checkYear(request);
  const schedule =
    request.kind === 'interval' ? intervalOf(request) : calendarOrCron(request, context);
  return {
    key: request.key === '' ? context.newKey() : request.key,
    schedule,
    count: request.kind === 'interval' ? request.count : 0,
    action: request.action,
    params: request.params,
  };
}

type FieldName = keyof FieldValues;
type Range = readonly [lowest: number, highest: number];

const fieldNames = ['second', 'minute', 'hour', 'day', 'month', 'week'] as const;

const calendarRanges: Readonly<Record<FieldName, Range>> = {
  second: [0, 59],
  minute: [0, 59],
  hour: [0, 23],
  day: [1, 31],
  month: [1, 12],
  week: [0, 7],
};

/** As many as the wire can carry; with all of them an interval is 3,400 years. */
const intervalRange: Range = [0, 32_767];

const intervalRanges: Readonly<Record<FieldName, Range>> = {
  second: intervalRange,
  minute: intervalRange,
  hour: intervalRange,
  day: intervalRange,
  month: intervalRange,
  week: intervalRange,
};

const unitSeconds: Readonly<Record<FieldName, number>> = {
  second: 1,
  minute: 60,
  hour: 3_600,
  day: secondsPerDay,
  month: 30 * secondsPerDay,
  week: 7 * secondsPerDay,
};

function intervalOf({ fields, count, params }: PlanRequest): IntervalSchedule {
  for (const name of ['forsun.cron', 'forsun.timezone']) {
    // An interval is a number of seconds; a zone would change nothing, which its author may not know.
    if (params.has(name)) throw badArgument(`${name} has no meaning for an interval, leave it out`);
  }
  if (!Number.isSafeInteger(count) || count < 0) {
    throw neverFires(`count is ${count}, expected 0 (for ever) or more`);
  }
  const given = givenFields(fields, intervalRanges);
  let everySeconds = 0;
  for (const name of fieldNames) everySeconds += (given[name] ?? 0) * unitSeconds[name];
  if (everySeconds === 0 && count !== 1) {
    throw neverFires(`an interval of 0 seconds fires once, but count is ${count}, expected 1`);
  }
  return { kind: 'interval', everySeconds, fields: given };
}

function checkYear({ kind, fields, year }: PlanRequest): void {
  if (year === undefined) return;
  if (kind === 'interval' || !isOneMoment(fields)) {
    throw neverFires(
      `year is ${year}, expected it only beside second, minute, hour, day and month`,
    );
  }
  if (!Number.isInteger(year) || year < 1970 || year > 9999) {
    throw neverFires(`year is ${year}, expected 1970 to 9999, or unset`);
  }
}

function calendarOrCron({ fields, params, year }: PlanRequest, context: DraftContext): Schedule {
  const zone = zoneOf(params.get('forsun.timezone') ?? context.defaultZone ?? 'UTC');
  const expression = params.get('forsun.cron');
  if (expression !== undefined) {
    const given = fieldNames.find((name) => fields[name] !== undefined);
    if (given !== undefined) {
      throw badArgument(`${given} is given beside forsun.cron, expected every field to be unset`);
    }
    return { kind: 'cron', expression, zone: zone.name };
  }
  const given = givenFields(fields, calendarRanges);
  if (!isOneMoment(given)) return { kind: 'calendar', fields: given, zone: zone.name };
  const inYear = year ?? yearIn(zone, context.now);
  return { kind: 'calendar', fields: given, zone: zone.name, year: inYear };
}

const yearIn = (zone: Zone, time: UnixSeconds): number =>
  civilDate(Math.floor(localOf(zone.spanAt(time), time) / secondsPerDay)).year;

/** The fields that are set, each in its range. */
function givenFields(fields: FieldValues, ranges: Readonly<Record<FieldName, Range>>): FieldValues {
  const given: { -readonly [Name in FieldName]?: number } = {};
  for (const name of fieldNames) {
    const value = fields[name];
    if (value === undefined) continue;
    const [lowest, highest] = ranges[name];
    if (!Number.isInteger(value) || value < lowest || value > highest) {
      throw neverFires(`${name} is ${value}, expected ${lowest} to ${highest}, or unset`);
    }
    given[name] = value;
  }
  return given;
}

/** Second to month are all fixed: no more than one moment a year. */
const isOneMoment = ({ second, minute, hour, day, month }: FieldValues): boolean =>
  [second, minute, hour, day, month].every((value) => value !== undefined);

function whyNever(schedule: Schedule, now: UnixSeconds, request: PlanRequest): string {
  if (schedule.kind === 'interval') return 'the interval never ends';
  if (schedule.kind === 'cron') return `no time ever matches ${quote(schedule.expression)}`;
  const { kind, fields, zone, year } = schedule;
  const given = fieldNames
    .flatMap((name) => (fields[name] === undefined ? [] : [`${name} ${fields[name]}`]))
    .join(', ');
  const isEver = firstFireTime({ kind, fields, zone }, now) !== undefined;
  if (year === undefined || !isEver) return `no time ever matches ${given}`;
  const why = `${given} is past, or no date, in ${year} (${zone})`;
  if (request.year !== undefined) return why;
  const hint =
    'with second to month all set a plan fires once, in this year: unset one of them to repeat';
  return `${why}; ${hint}`;
}
