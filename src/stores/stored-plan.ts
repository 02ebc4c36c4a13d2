import type { UnfinishedFiring } from '../core/firing.ts';
import type { Plan, PlanStatus } from '../core/plan.ts';
import type { UnixSeconds } from '../core/time.ts';

/** A plan with what only a store needs to know of it. */
export interface StoredPlan extends Plan {
  /** When a plan that has ended, kept for its status, is gone. */
  readonly expires?: UnixSeconds;
}

/** What changes in the life of a plan; all else of it stays as it was put. */
export interface PlanLife {
  readonly nextFireTime: UnixSeconds | undefined;
  readonly lastFireTime: UnixSeconds | undefined;
  readonly expires: UnixSeconds | undefined;
  readonly firedCount: number;
  readonly status: PlanStatus;
  readonly unfinished: readonly UnfinishedFiring[];
}

/** The plan at another moment of its life: what `life` does not name stays. */
export function withLife(plan: StoredPlan, life: Partial<PlanLife>): StoredPlan {
  const { nextFireTime, lastFireTime, expires, firedCount, status, unfinished } = {
    nextFireTime: plan.nextFireTime,
    lastFireTime: plan.lastFireTime,
    expires: plan.expires,
    firedCount: plan.firedCount,
    status: plan.status,
    unfinished: plan.unfinished,
    ...life,
  };
  return {
    key: plan.key,
    schedule: plan.schedule,
    count: plan.count,
    action: plan.action,
    params: plan.params,
    generation: plan.generation,
    createdTime: plan.createdTime,
    firedCount,
    status,
    unfinished,
    ...(nextFireTime === undefined ? {} : { nextFireTime }),
    ...(lastFireTime === undefined ? {} : { lastFireTime }),
    ...(expires === undefined ? {} : { expires }),
  };
}
