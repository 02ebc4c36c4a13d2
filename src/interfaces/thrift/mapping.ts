import type { ForsunError } from '../../core/errors.ts';
import type { Failure } from '../../core/failure.ts';
import { type PlanRequest, runningCount } from '../../core/plan.ts';
import type { FieldValues } from '../../core/schedule.ts';
import type { errorStruct, failureStruct, ForsunService, planStruct } from '../../wire/forsun.ts';
import type { StructDraft, StructValue } from '../../wire/schema.ts';
import type { ShownPlan } from '../access/shown.ts';
import { wireCodes } from './wire-codes.ts';

type CreateArgs = StructValue<ForsunService['create']['args']['fields']>;
type CreateTimeoutArgs = StructValue<ForsunService['createTimeout']['args']['fields']>;
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

/** Assigned one by one: spreads of what is set were a fifth of the door's time. */
function fieldValues(args: CreateArgs | CreateTimeoutArgs): FieldValues {
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
  };
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
