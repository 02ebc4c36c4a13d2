import { ForsunPlanError } from '../client/errors.ts';
import type { ForsunClient } from '../client/forsun-client.ts';
import type { Plan } from '../client/plan.ts';
import { textsOf } from './arguments.ts';
import type { Command } from './command.ts';
import { writePlans } from './plan-output.ts';

export const lsCommand: Command = {
  name: 'ls',
  usage: '[PREFIX]',
  summary: 'show the plans whose keys begin with PREFIX, or all (*)',
  async run(args, context) {
    const [prefix = ''] = textsOf(args, { from: 0, to: 1, usage: 'ls [PREFIX]' });
    const keys = await context.client.getKeys(prefix);
    await writePlans(plansOf(keys, context.client), context);
  },
};

/** The plans of the keys, in order, asked for ahead of the reader by so many calls. */
async function* plansOf(keys: readonly string[], client: ForsunClient): AsyncGenerator<Plan> {
  for (let first = 0; first < keys.length; first += CALLS_AHEAD) {
    const batch = keys.slice(first, first + CALLS_AHEAD);
    const plans = await Promise.all(batch.map((key) => planIfAny(key, client)));
    for (const plan of plans) if (plan !== undefined) yield plan;
  }
}

/** What the server takes of one connection at once. */
const CALLS_AHEAD = 128;

/** Undefined when the plan has ended since its key was listed. */
async function planIfAny(key: string, client: ForsunClient): Promise<Plan | undefined> {
  try {
    return await client.get(key);
  } catch (error) {
    if (error instanceof ForsunPlanError && error.code === PLAN_NOT_FOUND) return undefined;
    throw error;
  }
}

const PLAN_NOT_FOUND = 1003;
