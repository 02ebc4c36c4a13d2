import type { UnfinishedFiring } from '../core/firing.ts';
import type { Plan, PlanStatus } from '../core/plan.ts';
import type { UnixSeconds } from '../core/time.ts';

/** A plan with what only a store needs to know of it. */
export interface StoredPlan extends Plan {
  /** When a plan that has ended, kept for its status, is gone. */
  readonly expires?: UnixSeconds;
  /** Firings that were triggered so far, the number of the newest; absent when none was. */
  readonly triggers?: number;
}

/** What changes in the life of a plan; all else of it stays as it was put. */
export interface PlanLife {
  readonly nextFireTime: UnixSeconds | undefined;
  readonly lastFireTime: UnixSeconds | undefined;
  readonly expires: UnixSeconds | undefined;
  readonly firedCount: number;
  readonly triggers: number | undefined;
  readonly status: PlanStatus;
  readonly unfinished: readonly UnfinishedFiring[];
}

/** What stays as it was put. */
export type PlanIdentity = Omit<StoredPlan, keyof PlanLife>;

/** The plan at another moment of its life: what `life` does not name stays. */
export function withLife(plan: StoredPlan, life: Partial<PlanLife>): StoredPlan {
  const { nextFireTime, lastFireTime, expires, firedCount, triggers, status, unfinished } = plan;
  return planAt(plan, {
    ...{ nextFireTime, lastFireTime, expires, firedCount, triggers, status, unfinished },
    ...life,
  });
}

/** The plan at that moment of its life; a time it has not is absent, not undefined. */
export function planAt(identity: PlanIdentity, life: PlanLife): StoredPlan {
  const { key, schedule, count, action, params, generation, createdTime } = identity;
  const { nextFireTime, lastFireTime, expires, firedCount, triggers, status, unfinished } = life;
  const plan: { -readonly [K in keyof StoredPlan]: StoredPlan[K] } = {
    key,
    schedule,
    count,
    action,
    params,
    generation,
    createdTime,
    firedCount,
    status,
    unfinished,
  };
  if (nextFireTime !== undefined) plan.nextFireTime = nextFireTime;
  if (lastFireTime !== undefined) plan.lastFireTime = lastFireTime;
  if (expires !== undefined) plan.expires = expires;
  if (triggers !== undefined) plan.triggers = triggers;
  return plan;
}
