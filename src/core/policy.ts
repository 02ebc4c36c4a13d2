import { badArgument, quote } from './errors.ts';
import type { Params } from './plan.ts';

/** What happens to due times that were missed (first claimed more than the threshold late). */
export type Misfire = 'fire_once' | 'fire_all' | 'skip';

/** How a plan wants to be treated; set by its `forsun.` params, which never reach the action. */
export interface Policy {
  readonly misfire: Misfire;
  readonly misfireThresholdSeconds: number;
  /** Further attempts after a failure that is worth repeating; absent: as the settings say. */
  readonly retries?: number;
  /** Deadline of one run; absent: the action's own. */
  readonly timeoutSeconds?: number;
  /** Firings of one plan that may be unfinished at once; 1: runs never overlap. */
  readonly maxUnfinished: number;
}

export const defaultPolicy: Policy = {
  misfire: 'fire_once',
  misfireThresholdSeconds: 60,
  maxUnfinished: 10,
};

const prefix = 'forsun.';
const tenYears = 10 * 366 * 86_400;

type Reader = (name: string, value: string) => Partial<Policy>;

/** One reader per name a client may set; what a plan's schedule is made of is judged with it. */
const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['forsun.timezone', () => ({})],
  ['forsun.cron', () => ({})],
  ['forsun.misfire', (name, value) => ({ misfire: misfireOf(name, value) })],
  [
    'forsun.misfire_threshold',
    (name, value) => ({ misfireThresholdSeconds: integer(name, value, 0, tenYears) }),
  ],
  ['forsun.retries', (name, value) => ({ retries: integer(name, value, 0, 100) })],
  ['forsun.timeout', (name, value) => ({ timeoutSeconds: integer(name, value, 1, 86_400) })],
  ['forsun.max_unfinished', (name, value) => ({ maxUnfinished: integer(name, value, 1, 100) })],
]);

/**
 * The policy that the `forsun.` params say, over the defaults; bad_argument names one that is unknown or
 * out of range.
 */
export function policyOf(params: Params, defaults = defaultPolicy): Policy {
  let policy = defaults;
  for (const [name, value] of params) {
    if (!name.startsWith(prefix)) continue;
    const read = readers.get(name);
    if (read === undefined) {
      const known = [...readers.keys()].join(', ');
      throw badArgument(`no policy is called ${quote(name)}, expected one of ${known}`);
    }
    policy = { ...policy, ...read(name, value) };
  }
  return policy;
}

/** The params an action sees: all but those of the policy. */
export function actionParams(params: Params): Params {
  for (const name of params.keys()) {
    if (name.startsWith(prefix)) return withoutPolicies(params);
  }
  return params;
}

const withoutPolicies = (params: Params): Params =>
  new Map([...params].filter(([name]) => !name.startsWith(prefix)));

function misfireOf(name: string, value: string): Misfire {
  if (value === 'fire_once' || value === 'fire_all' || value === 'skip') return value;
  throw badArgument(`${name} is ${quote(value)}, expected fire_once, fire_all or skip`);
}

function integer(name: string, value: string, lowest: number, highest: number): number {
  const number = /^\d{1,15}$/.test(value) ? Number(value) : NaN;
  if (number >= lowest && number <= highest) return number;
  throw badArgument(`${name} is ${quote(value)}, expected a whole number, ${lowest} to ${highest}`);
}
