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

const defaults: Policy = { misfire: 'fire_once', misfireThresholdSeconds: 60, maxUnfinished: 10 };

/** The policy that the `forsun.` params say; bad_argument names one that is unknown or out of range. */
export function policyOf(_params: Params): Policy {
  return defaults;
}

/** The params an action sees: all but those of the policy. */
export function actionParams(params: Params): Params {
  return new Map([...params].filter(([name]) => !name.startsWith('forsun.')));
}
