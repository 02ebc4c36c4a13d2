import type { Plan } from './plan.ts';
import type { Policy } from './policy.ts';
import { countFireTimes, newestFireTime, nextFireTime } from './schedule.ts';
import { addSeconds, type UnixSeconds } from './time.ts';

/** What a plan does at a due time of its agenda. */
export interface Advance {
  /** The due time to fire for; absent when the limit of unfinished firings or the policy says none. */
  readonly fire?: UnixSeconds;
  /** The due time to put on the agenda; absent when there is none. */
  readonly next?: UnixSeconds;
  /** True: all stays as it is until a firing of the plan ends (fire_all at its limit of unfinished). */
  readonly waits: boolean;
  readonly isMisfire: boolean;
  readonly merged: number;
  readonly skipped: number;
}

/** Decides for a plan whose agenda entry at `due` is claimed at `now`. Pure: changes nothing. */
export function advance(
  plan: Pick<Plan, 'schedule' | 'count' | 'firedCount' | 'unfinished'>,
  policy: Policy,
  due: UnixSeconds,
  now: UnixSeconds,
): Advance {
  const isMisfire = now - due > policy.misfireThresholdSeconds;
  const isFull = plan.unfinished.length >= policy.maxUnfinished;
  const none = { waits: false, isMisfire, merged: 0, skipped: 0 };
  const after = (time: UnixSeconds, fired: boolean): Partial<Advance> => {
    if (fired && plan.count > 0 && plan.firedCount + 1 >= plan.count) return {};
    const next = nextFireTime(plan.schedule, time);
    return next === undefined ? {} : { next };
  };
  const fireAt = (time: UnixSeconds): Advance =>
    isFull
      ? { ...none, ...after(time, false), merged: 1 }
      : { ...none, fire: time, ...after(time, true) };

  if (!isMisfire) return fireAt(due);
  switch (policy.misfire) {
    case 'fire_once': {
      const newest = newestFireTime(plan.schedule, due, now);
      const missed = countFireTimes(plan.schedule, due, newest);
      const step = fireAt(newest);
      return { ...step, merged: step.merged + missed };
    }
    case 'fire_all': {
      if (isFull) return { ...none, next: due, waits: true };
      return fireAt(due);
    }
    case 'skip': {
      const next = nextFireTime(
        plan.schedule,
        addSeconds(now, -policy.misfireThresholdSeconds - 1),
      );
      const skipped = countFireTimes(plan.schedule, due, next ?? addSeconds(now, 1));
      return { ...none, ...(next === undefined ? {} : { next }), skipped };
    }
    default:
      return policy.misfire satisfies never;
  }
}
