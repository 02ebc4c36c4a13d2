import { z } from 'zod';

import { badArgument, quote } from '../../../core/errors.ts';
import type { Plan, PlanRequest } from '../../../core/plan.ts';
import { givenSchedule, wantedSchedule } from './schedule.ts';
import { object, text, texts, wholeNumber } from './values.ts';

const policyPrefix = 'forsun.';

/** The policies of docs/policies.md under their names there; those of the schedule are said in it. */
export const policy = object({
  misfire: z
    .enum(['fire_once', 'fire_all', 'skip'], '"fire_once", "fire_all" or "skip"')
    .exactOptional()
    .describe('What happens to due times that were missed'),
  misfire_threshold: wholeNumber(0, 316_224_000)
    .exactOptional()
    .describe('Seconds after which a due time counts as missed'),
  retries: wholeNumber(0, 100)
    .exactOptional()
    .describe('Further attempts after a failure that is worth repeating'),
  timeout: wholeNumber(1, 86_400).exactOptional().describe('Seconds that one run may take'),
  max_unfinished: wholeNumber(1, 100)
    .exactOptional()
    .describe('Firings of the plan that may be unfinished at once'),
}).describe('How the plan is treated; what is absent is as the settings of the server say');

const params = texts.describe('What its action takes, all of it texts');

/** A plan as a client asks for it. */
export const planBody = object({
  schedule: givenSchedule,
  action: text('the name of an action'),
  params: params.default(new Map()),
  policy: policy.default({}),
});

/** A plan whose key stands in no path. */
export const newPlanBody = planBody.extend({
  key: text('a key').default('').describe('Absent: the server makes one'),
});

/** One plan of a batch. */
export const batchItem = newPlanBody.extend({
  only_if_absent: z
    .boolean('true or false')
    .default(false)
    .describe('True: refused with 412 when the key has a plan'),
});

/** What a body asks of core. */
export function planRequest(key: string, body: z.output<typeof planBody>): PlanRequest {
  const { params: ofSchedule, ...schedule } = wantedSchedule(body.schedule);
  const params = new Map(body.params);
  for (const name of params.keys()) {
    if (name.startsWith(policyPrefix)) throw inParams(name);
  }
  for (const [name, value] of ofSchedule) params.set(name, value);
  for (const [name, value] of Object.entries(body.policy)) {
    params.set(policyPrefix + name, String(value));
  }
  return { ...schedule, key, action: body.action, params };
}

const inParams = (name: string) =>
  badArgument(
    `the param ${quote(name)} is a policy, expected it under policy or schedule, without ${policyPrefix}`,
  );

const saidInSchedule = new Set(['forsun.cron', 'forsun.timezone']);

/** The params of a plan without those that are policies, and these, as a client asks for them. */
export function paramsAndPolicy(plan: Pick<Plan, 'params'>) {
  const params: [name: string, value: string][] = [];
  const policies: Record<string, string | number> = {};
  for (const [name, value] of plan.params) {
    if (saidInSchedule.has(name)) continue;
    const short = name.startsWith(policyPrefix) ? name.slice(policyPrefix.length) : '';
    if (Object.hasOwn(policy.shape, short)) {
      policies[short] = short === 'misfire' ? value : Number(value);
    } else {
      params.push([name, value]);
    }
  }
  // As core has judged them.
  return { params: Object.fromEntries(params), policy: policies as z.output<typeof policy> };
}
