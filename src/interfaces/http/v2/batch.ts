import { z } from 'zod';

import type { PlanService } from '../../../scheduler/plan-service.ts';
import type { Caller } from '../../access/caller.ts';
import { shownTo } from '../../access/shown.ts';
import { permit } from '../bearer.ts';
import type { Json } from '../json.ts';
import { batchItem, planRequest } from './plan-body.ts';
import { problemDetails, refused, type Refused } from './problem.ts';
import { putPlan } from './put-plan.ts';
import { readJson } from './read.ts';
import { planResource, showPlan } from './resources.ts';
import { object } from './values.ts';

const maxPlans = 1_000;
const expected = `an array of 1 to ${maxPlans} plans`;

/** Each plan is read for itself, so that one which cannot be read harms no other. */
export const batchBody = object({
  plans: z
    .array(z.custom<Json>().meta({ $ref: '#/components/schemas/BatchPlan' }), expected)
    .min(1, expected)
    .max(maxPlans, expected),
});

const batchResult = z.union([
  z.strictObject({ status: z.union([z.literal(200), z.literal(201)]), plan: planResource }),
  z.strictObject({ status: z.int().min(400).max(599), problem: problemDetails }),
]);
type BatchResult = z.output<typeof batchResult>;

export const batchAnswer = z.strictObject({
  results: z.array(batchResult).describe('One for each plan, in their order'),
});

export interface BatchContext {
  readonly plans: PlanService;
  readonly caller: Caller;
  readonly onRefused: (refusal: Refused, error: unknown) => void;
}

/** Makes each plan for itself, in their order: one that is refused leaves the others as they are. */
export async function putBatch(
  items: readonly Json[],
  { plans, caller, onRefused }: BatchContext,
): Promise<z.output<typeof batchAnswer>> {
  const put = async (item: Json): Promise<BatchResult> => {
    try {
      const { key, only_if_absent: onlyIfAbsent, ...body } = readJson(batchItem, item);
      permit({ caller }, { role: 'write', key, action: body.action });
      const { status, plan } = await putPlan(plans, planRequest(key, body), { onlyIfAbsent });
      return { status, plan: showPlan(shownTo(caller, plan)) };
    } catch (error) {
      const refusal = refused(error);
      const { problem } = refusal;
      onRefused(refusal, error);
      return { status: problem.status, problem };
    }
  };
  return { results: await Promise.all(items.map(put)) };
}
