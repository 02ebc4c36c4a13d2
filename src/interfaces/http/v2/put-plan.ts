import { ForsunError } from '../../../core/errors.ts';
import type { Plan, PlanRequest } from '../../../core/plan.ts';
import type { PlanService } from '../../../scheduler/plan-service.ts';

export interface PutPlan {
  /** 201: its key had no plan; 200: the one it had is replaced. */
  readonly status: 200 | 201;
  readonly plan: Plan;
}

/**
 * Creates the plan, or replaces the one under its key. Two steps, as only a create of what is absent tells
 * whether it was: a plan that is removed between them counts as replaced.
 */
export async function putPlan(
  plans: PlanService,
  request: PlanRequest,
  { onlyIfAbsent }: { readonly onlyIfAbsent: boolean },
): Promise<PutPlan> {
  try {
    return { status: 201, plan: await plans.create(request, { onlyIfAbsent: true }) };
  } catch (error) {
    const isThere = error instanceof ForsunError && error.code === 'plan_exists';
    if (onlyIfAbsent || !isThere) throw error;
    return { status: 200, plan: await plans.create(request) };
  }
}
