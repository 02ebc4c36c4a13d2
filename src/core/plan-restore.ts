import { calendarOf } from './calendar.ts';
import { badArgument, neverFires } from './errors.ts';
import { checkedDraft, type DraftContext } from './plan-request.ts';
import type { PlanDraft, PlanPast, PlanRequest } from './plan.ts';
import { type UnixSeconds, unixSeconds } from './time.ts';

/** A plan as a server tells of it, to go on as it stands; unjudged. */
export interface RestoreRequest extends PlanRequest {
  /** Of a calendar or cron plan that names none in its params: the zone it was made in. */
  readonly zone?: string;
  readonly nextFireTime?: UnixSeconds;
  /** Its firings that have begun and not ended: how many, and the due time of the oldest. */
  readonly unfinished?: { readonly count: number; readonly oldest: UnixSeconds };
  /** Absent: it is made now. */
  readonly createdTime?: UnixSeconds;
  readonly lastFireTime?: UnixSeconds;
  readonly firedCount: number;
  readonly status: number;
}

export interface JudgedRestore {
  readonly draft: PlanDraft;
  readonly nextFireTime: UnixSeconds;
  readonly past: PlanPast;
}

/**
 * The plan with due time, zone and counts as given; a due time that is past is kept. One that has none left,
 * but firings that have not ended, is due for the oldest of these once more: nobody else will run them.
 * Refuses what has ended with never_fires, and all else that cannot be as draftOf does.
 */
export function restoredOf(request: RestoreRequest, context: DraftContext): JudgedRestore {
  if (request.key === '') throw badArgument('the key is empty, expected that of the plan');
  const { nextFireTime, firedCount } = dueAgain(request);
  const past = pastOf({ ...request, firedCount }, context.now);
  if (nextFireTime === undefined || (request.count > 0 && firedCount >= request.count)) {
    throw neverFires(`the plan has ended: it has fired ${firedCount} times and is due no more`);
  }
  checkTime('next_fire_time', nextFireTime);
  // Counted from its due time: a plan of one moment without its year fires in the year that it is due.
  const defaultZone = request.zone ?? context.defaultZone ?? 'UTC';
  const draft = checkedDraft(request, { ...context, now: nextFireTime, defaultZone });
  if (draft.schedule.kind !== 'interval') calendarOf(draft.schedule);
  return { draft, nextFireTime, past };
}

interface Due {
  readonly nextFireTime: UnixSeconds | undefined;
  readonly firedCount: number;
}

function dueAgain({ nextFireTime, unfinished, firedCount }: RestoreRequest): Due {
  if (nextFireTime !== undefined || unfinished === undefined) return { nextFireTime, firedCount };
  const { oldest, count } = unfinished;
  return { nextFireTime: oldest, firedCount: Math.max(firedCount - count, 0) };
}

function pastOf(request: RestoreRequest, now: UnixSeconds): PlanPast {
  const { createdTime = now, lastFireTime, firedCount, status } = request;
  if (!Number.isSafeInteger(firedCount) || firedCount < 0) {
    throw badArgument(`fired_count is ${firedCount}, expected 0 or more`);
  }
  if (status !== 0 && status !== 1 && status !== -1) {
    throw badArgument(`status is ${status}, expected 0, 1 or -1`);
  }
  checkTime('created_time', createdTime);
  if (lastFireTime === undefined) return { createdTime, firedCount, status };
  checkTime('last_fire_time', lastFireTime);
  return { createdTime, lastFireTime, firedCount, status };
}

/** As far as a date can say: 275,000 years either way. */
const farthest = unixSeconds(8_640_000_000_000);

function checkTime(name: string, time: UnixSeconds): void {
  if (Number.isInteger(time) && Math.abs(time) <= farthest) return;
  throw badArgument(`${name} is ${time}, expected seconds since 1970, at most ${farthest}`);
}
