import { ForsunPlanError } from '../client/errors.ts';
import type { ForsunClient } from '../client/forsun-client.ts';
import type { Plan } from '../client/plan.ts';
import { callsAhead, inOrder } from './in-order.ts';

/** Some of a server's plans, in byte order of their keys. */
export interface PlanRange {
  /** Literally. */
  readonly prefix: string;
  /** Behind this key; it need not be there any more. */
  readonly after?: string | undefined;
}

/** Keys of one reply: few enough to be small, and many enough that the calls for their plans seldom wait. */
const pageSize = 4_096;

/** The keys, a page at a time: any number of them takes no more memory than a page. */
export async function* listedKeys(
  client: ForsunClient,
  { prefix, after = '' }: PlanRange,
  limit = pageSize,
): AsyncGenerator<string> {
  for (let last: string | undefined = after; last !== undefined;) {
    const keys: readonly string[] = await client.listKeys(prefix, last, Math.min(limit, pageSize));
    yield* keys;
    last = keys.at(-1);
  }
}

/** The plans, asked for ahead of the reader. One that has ended since its key was listed is left out. */
export async function* listedPlans(
  client: ForsunClient,
  range: PlanRange,
  limit?: number,
): AsyncGenerator<Plan> {
  const keys = listedKeys(client, range, limit);
  for await (const plan of inOrder(keys, callsAhead, (key) => ifAny(client.get(key)))) {
    if (plan !== undefined) yield plan;
  }
}

/** Undefined when the plan is not there any more. */
export async function ifAny(asked: Promise<Plan>): Promise<Plan | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ForsunPlanError && error.code === planNotFound) return undefined;
    throw error;
  }
}

const planNotFound = 1003;
