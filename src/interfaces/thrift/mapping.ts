import type { Failure } from '../../core/failure.ts';
import { badArgument, type ForsunError } from '../../core/errors.ts';
import { type Plan, type PlanRequest, runningCount } from '../../core/plan.ts';
import type { RestoreRequest } from '../../core/plan-restore.ts';
import type { FieldValues } from '../../core/schedule.ts';
import { type UnixSeconds, unixSeconds } from '../../core/time.ts';
import type { errorStruct, failureStruct, ForsunService, planStruct } from '../../wire/forsun.ts';
import type { StructDraft, StructValue } from '../../wire/schema.ts';
import type { ShownPlan } from '../access/shown.ts';
import { wireCodes } from './wire-codes.ts';

type CreateArgs = StructValue<ForsunService['create']['args']['fields']>;
type CreateTimeoutArgs = StructValue<ForsunService['createTimeout']['args']['fields']>;
type PlanFields = StructValue<typeof planStruct.fields>;
export type WirePlan = StructDraft<typeof planStruct.fields>;
export type WireFailure = StructDraft<typeof failureStruct.fields>;
export type WireError = StructDraft<typeof errorStruct.fields>;

/** What the wire says for a field that is not set. */
const unset = -1;

const fieldNames = ['second', 'minute', 'hour', 'day', 'month', 'week'] as const;

export const calendarRequest = (args: CreateArgs): PlanRequest => ({
  kind: 'calendar',
  key: args.key ?? '',
  fields: fieldValues(args),
  count: 0,
  action: args.action,
  params: args.params,
});

export const intervalRequest = (args: CreateTimeoutArgs): PlanRequest => ({
  kind: 'interval',
  key: args.key ?? '',
  fields: fieldValues(args),
  count: args.count,
  action: args.action,
  params: args.params,
});

/** The 64-bit fields go before those beside them, which cannot say everything. */
export function restoreRequest(plan: PlanFields | undefined): RestoreRequest {
  if (plan?.key === undefined || plan.is_time_out === undefined) {
    throw badArgument('the plan has no key or no is_time_out, expected both');
  }
  const { key, is_time_out, timezone: zone, year, unfinished = 0, unfinished_time } = plan;
  return {
    ...{ kind: is_time_out ? 'interval' : 'calendar', key, fields: fieldValues(plan) },
    ...{ count: plan.total_count ?? plan.count, action: plan.action, params: plan.params },
    ...{ firedCount: plan.fired_count ?? plan.current_count, status: plan.status },
    ...given({
      ...{ zone, year },
      // Many clients cannot leave a required field out: 0 is none, too.
      nextFireTime: time(plan.next_fire_time ?? (plan.next_time || undefined)),
      createdTime: time(plan.created_time),
      lastFireTime: time(plan.last_fire_time ?? (plan.last_timeout || undefined)),
      unfinished:
        unfinished > 0 && unfinished_time !== undefined
          ? { count: unfinished, oldest: unixSeconds(unfinished_time) }
          : undefined,
    }),
  };
}

const time = (seconds: number | undefined): UnixSeconds | undefined =>
  seconds === undefined ? undefined : unixSeconds(seconds);

type Given<T> = { readonly [name in keyof T]?: NonNullable<T[name]> };

const given = <T extends object>(fields: T): Given<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;

/** Assigned one by one: spreads of what is set were a fifth of the door's time. */
function fieldValues(args: Pick<CreateArgs, (typeof fieldNames)[number]>): FieldValues {
  const values: { -readonly [F in keyof FieldValues]: FieldValues[F] } = {};
  for (const name of fieldNames) {
    const value = args[name];
    if (value !== undefined && value !== unset) values[name] = value;
  }
  return values;
}

/** A prefix without the blanks and stars at its end, which forsun's clients put there to say "any". */
export function literalPrefix(prefix: string): string {
  let end = prefix.length;
  while (end > 0 && '* \t\n\r'.includes(prefix.charAt(end - 1))) end--;
  return prefix.slice(0, end);
}

/** What an i16 or i32 cannot hold saturates when it is written; the i64 fields tell the truth. */
export function wirePlan(plan: ShownPlan): WirePlan {
  const { schedule } = plan;
  const fields: FieldValues = schedule.kind === 'cron' ? {} : schedule.fields;
  const { unfinished, oldest } = unfinishedOf(plan);
  return {
    is_time_out: schedule.kind === 'interval',
    key: plan.key,
    second: fields.second ?? unset,
    minute: fields.minute ?? unset,
    hour: fields.hour ?? unset,
    day: fields.day ?? unset,
    month: fields.month ?? unset,
    week: fields.week ?? unset,
    next_time: plan.nextFireTime,
    status: plan.status,
    count: plan.count,
    current_count: plan.firedCount,
    last_timeout: plan.lastFireTime ?? 0,
    action: plan.action,
    params: plan.params,
    next_fire_time: plan.nextFireTime,
    last_fire_time: plan.lastFireTime,
    created_time: plan.createdTime,
    running: runningCount(plan),
    fired_count: plan.firedCount,
    timezone: schedule.kind === 'interval' ? undefined : schedule.zone,
    year: schedule.kind === 'calendar' ? schedule.year : undefined,
    total_count: plan.count > largestCount ? plan.count : undefined,
    unfinished,
    unfinished_time: oldest,
  };
}

/** What the field count can say. */
const largestCount = 32_767;

/** Of due times alone: what was triggered is beside the schedule. */
function unfinishedOf({ unfinished }: Plan): { unfinished?: number; oldest?: number } {
  if (unfinished.length === 0) return {};
  const times = unfinished.flatMap(({ fireTime, trigger }) =>
    trigger === undefined ? fireTime : [],
  );
  return times.length === 0 ? {} : { unfinished: times.length, oldest: Math.min(...times) };
}

export const wireFailure = (failure: Failure): WireFailure => ({
  key: failure.key,
  action: failure.action,
  fire_time: failure.fireTime,
  attempts: failure.attempts,
  failed_at: failure.failedAt,
  reason: failure.reason,
});

export const wireError = (error: ForsunError): WireError => ({
  code: wireCodes[error.code],
  message: error.message,
});
