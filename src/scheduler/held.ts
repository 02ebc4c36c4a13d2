import type { Action, PreparedAction } from '../actions/action.ts';
import type { Plan } from '../core/plan.ts';
import { policyOf } from '../core/policy.ts';
import type { Claim } from '../stores/store.ts';
import type { RunUnderDeadline } from './run.ts';
import { Unsettled } from './settling.ts';

/** A claim in our hands until its settling is durable. */
export class Held extends Unsettled {
  readonly claim: Claim;
  readonly action: Action;
  readonly prepared: PreparedAction;
  readonly origin: string;
  readonly maxRuns: number;
  readonly timeoutSeconds: number;
  run: RunUnderDeadline | undefined;
  /** Its plan was removed or replaced while it waited: it must not start. */
  isVoid = false;

  constructor(claim: Claim, action: Action, prepared: PreparedAction) {
    super(claim.firing);
    this.claim = claim;
    this.action = action;
    this.prepared = prepared;
    this.origin = originOf(claim.plan, prepared);
    this.maxRuns = prepared.maxRuns ?? action.maxRunsPerOrigin;
    this.timeoutSeconds = policyOf(claim.plan.params).timeoutSeconds ?? action.timeoutSeconds;
  }
}

/** Whose room a run takes. A plan's own limit makes another origin of it, so that all of one origin agree. */
function originOf({ action, key }: Plan, { origin, maxRuns }: PreparedAction): string {
  const target = origin ?? `${action}:${key}`;
  return maxRuns === undefined ? target : `${target} max_runs=${maxRuns}`;
}
