import type { PlanService } from '../../../scheduler/plan-service.ts';
import { badArgument, quote } from '../../../core/errors.ts';
import { shownTo } from '../../access/shown.ts';
import { permit } from '../bearer.ts';
import { batchAnswer, batchBody, type BatchContext, putBatch } from './batch.ts';
import { operation, type Operation } from './operation.ts';
import { newPlanBody, planBody, planRequest } from './plan-body.ts';
import { putPlan } from './put-plan.ts';
import { planResource, showPlan, showTriggered, triggeredResource } from './resources.ts';

export interface PlanOperationsContext {
  readonly plans: PlanService;
  /** Hears of each plan of a batch that was refused. */
  readonly onRefused: BatchContext['onRefused'];
}

const planAnswer = (description: string) => ({ description, schema: planResource });
const madePlan = {
  ...planAnswer('The plan, made'),
  headers: { Location: 'Where it is' },
};

/** What can be done to single plans, and to a batch of them. */
export const planOperations = ({
  plans,
  onRefused,
}: PlanOperationsContext): readonly Operation[] => [
  operation({
    id: 'getPlan',
    method: 'GET',
    path: '/plans/{key}',
    summary: 'Show a plan',
    role: 'read',
    answers: { 200: planAnswer('The plan') },
    refusals: [404, 503],
    async run({ key, caller }) {
      return { status: 200, body: showPlan(shownTo(caller, await plans.get(key))) };
    },
  }),

  operation({
    id: 'putPlan',
    method: 'PUT',
    path: '/plans/{key}',
    summary: 'Make a plan, or replace the one of that key',
    role: 'write',
    headers: { 'If-None-Match': '*: only make it, refused with 412 when the key has a plan' },
    body: planBody,
    answers: { 200: planAnswer('The plan, in place of the older one'), 201: madePlan },
    refusals: [503],
    async run(asked) {
      const { key, body } = asked;
      permit(asked, { role: 'write', key, action: body.action });
      const onlyIfAbsent = isOnlyIfAbsent(asked.header('if-none-match'));
      const { status, plan } = await putPlan(plans, planRequest(key, body), { onlyIfAbsent });
      const headers = status === 201 ? { location: pathOf(key) } : {};
      return { status, body: showPlan(shownTo(asked.caller, plan)), headers };
    },
  }),

  operation({
    id: 'createPlan',
    method: 'POST',
    path: '/plans',
    summary: 'Make a plan, under a key that has none or under a new one',
    role: 'write',
    body: newPlanBody,
    answers: { 201: madePlan },
    refusals: [503],
    async run(asked) {
      const { key, ...body } = asked.body;
      permit(asked, { role: 'write', key, action: body.action });
      const plan = await plans.create(planRequest(key, body), { onlyIfAbsent: true });
      const shown = showPlan(shownTo(asked.caller, plan));
      return { status: 201, body: shown, headers: { location: pathOf(plan.key) } };
    },
  }),

  operation({
    id: 'putPlans',
    method: 'POST',
    path: '/plans:batch',
    summary: 'Make or replace several plans, each for itself',
    role: 'write',
    body: batchBody,
    answers: {
      200: { description: 'What became of each, by its own status', schema: batchAnswer },
    },
    refusals: [],
    async run({ body, caller }) {
      const results = await putBatch(body.plans, { plans, caller, onRefused });
      return { status: 200, body: results };
    },
  }),

  operation({
    id: 'deletePlan',
    method: 'DELETE',
    path: '/plans/{key}',
    summary: 'Remove a plan: none of its firings starts any more',
    role: 'write',
    answers: { 204: { description: 'It is gone' } },
    refusals: [404, 503],
    async run({ key }) {
      await plans.remove(key);
      return { status: 204 };
    },
  }),

  operation({
    id: 'triggerPlan',
    method: 'POST',
    path: '/plans/{key}:trigger',
    summary: 'Fire a plan once more, now, beside its schedule and its count',
    role: 'write',
    answers: {
      202: { description: 'The firing, which is stored and due', schema: triggeredResource },
    },
    refusals: [404, 409, 503],
    async run({ key }) {
      return { status: 202, body: showTriggered(await plans.trigger(key)) };
    },
  }),
];

const pathOf = (key: string): string => `/v2/plans/${encodeURIComponent(key)}`;

function isOnlyIfAbsent(ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined || ifNoneMatch.trim() === '*') return ifNoneMatch !== undefined;
  throw badArgument(
    `If-None-Match is ${quote(ifNoneMatch)}, expected * (plans have no entity tags)`,
  );
}
