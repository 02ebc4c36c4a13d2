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
  /** True: all stays as it is, `next` being `due`, until a firing of the plan ends. */
  readonly waits: boolean;
  readonly isMisfire: boolean;
  /** Due times that did not fire for themselves: one firing stands for them. */
  readonly merged: number;
  /** Due times that did not fire. */
  readonly skipped: number;
}

type AdvancingPlan = Pick<Plan, 'schedule' | 'count' | 'firedCount' | 'unfinished'>;

/** Of missed due times, fire_all makes up for this many. */
export const fireAllLimit = 100;

/**
 * Decides for a plan whose agenda entry at `due` is claimed at `now`. Pure: changes nothing.
 *
 * Each due time is fired, merged, skipped or still ahead. A plan's last one always fires, however late.
 * `count` counts firings, so what is merged or skipped puts the last one off. At the limit of unfinished
 * firings due times are merged into the newest of these, but fire_all, which merges nothing, waits.
 */
export function advance(
  plan: AdvancingPlan,
  policy: Policy,
  due: UnixSeconds,
  now: UnixSeconds,
): Advance {
  const isMisfire = now - due > policy.misfireThresholdSeconds;
  const isFull = plan.unfinished.length >= policy.maxUnfinished;
  const following = nextFireTime(plan.schedule, due);
  if (isFull && (policy.misfire === 'fire_all' || following === undefined)) {
    return { next: due, waits: true, isMisfire, merged: 0, skipped: 0 };
  }
  if (!isFull && endsWith(plan, following)) return { fire: due, ...quiet(isMisfire) };
  if (!isMisfire) return isFull ? merging(plan, due, due, isMisfire) : firing(plan, due, isMisfire);

  switch (policy.misfire) {
    case 'fire_once': {
      const newest = newestFireTime(plan.schedule, due, now);
      if (isFull) return merging(plan, due, newest, isMisfire);
      const merged = countFireTimes(plan.schedule, due, newest);
      return { ...firing(plan, newest, isMisfire), merged };
    }
    case 'fire_all': {
      const first = firstOfNewest(plan, due, now);
      const skipped = countFireTimes(plan.schedule, due, first);
      return { ...firing(plan, first, isMisfire), skipped };
    }
    case 'skip':
      return skipping(plan, due, addSeconds(now, -policy.misfireThresholdSeconds - 1), isMisfire);
    default:
      return policy.misfire satisfies never;
  }
}

const quiet = (isMisfire: boolean): Advance => ({
  waits: false,
  isMisfire,
  merged: 0,
  skipped: 0,
});

/** One firing more is all the plan makes. */
const endsWith = (plan: AdvancingPlan, following: UnixSeconds | undefined): boolean =>
  following === undefined || (plan.count > 0 && plan.firedCount + 1 >= plan.count);

function firing(plan: AdvancingPlan, time: UnixSeconds, isMisfire: boolean): Advance {
  const next = nextFireTime(plan.schedule, time);
  if (endsWith(plan, next)) return { fire: time, ...quiet(isMisfire) };
  return { fire: time, ...onward(next), ...quiet(isMisfire) };
}

/** All due times from `due` to `newest` go to the newest unfinished firing. */
function merging(
  plan: AdvancingPlan,
  due: UnixSeconds,
  newest: UnixSeconds,
  isMisfire: boolean,
): Advance {
  const merged = countFireTimes(plan.schedule, due, newest) + 1;
  const next = nextFireTime(plan.schedule, newest);
  return { ...onward(next), ...quiet(isMisfire), merged };
}

/** All due times from `due` to `tooLate` are left out; but the last one of the schedule fires. */
function skipping(
  plan: AdvancingPlan,
  due: UnixSeconds,
  tooLate: UnixSeconds,
  isMisfire: boolean,
): Advance {
  const newest = newestFireTime(plan.schedule, due, tooLate);
  const skipped = countFireTimes(plan.schedule, due, newest);
  const next = nextFireTime(plan.schedule, newest);
  if (next === undefined) return { fire: newest, ...quiet(isMisfire), skipped };
  return { next, ...quiet(isMisfire), skipped: skipped + 1 };
}

/** Where fire_all begins: at `due`, unless more are missed than it makes up for and the plan has left. */
function firstOfNewest(plan: AdvancingPlan, due: UnixSeconds, now: UnixSeconds): UnixSeconds {
  const { schedule, count, firedCount } = plan;
  const missed = countFireTimes(schedule, due, addSeconds(now, 1));
  const surplus = missed - fireAllLimit;
  if (surplus <= 0 || (count > 0 && count - firedCount <= fireAllLimit)) return due;
  let first = due;
  if (surplus < fireAllLimit) {
    for (let left = surplus; left > 0; left--) first = nextFireTime(schedule, first) ?? first;
    return first;
  }
  first = newestFireTime(schedule, due, now);
  for (let left = fireAllLimit - 1; left > 0; left--) {
    first = newestFireTime(schedule, due, addSeconds(first, -1));
  }
  return first;
}

const onward = (next: UnixSeconds | undefined): { readonly next?: UnixSeconds } =>
  next === undefined ? {} : { next };
