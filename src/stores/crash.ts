import { type Failure, failureOf } from '../core/failure.ts';
import type { Firing, UnfinishedFiring } from '../core/firing.ts';
import { addSeconds, type UnixSeconds } from '../core/time.ts';
import { crashed, type Ending, finished, firingOf } from './life.ts';
import type { StoredPlan } from './stored-plan.ts';

const maxCrashes = 10;
const backoffSeconds = { first: 5, most: 300, jitter: 0.5 };

/** What a plan becomes when the process died with firings of it in flight. */
export interface AfterCrash {
  /** Undefined when it has ended and nothing of it is kept. */
  readonly plan: StoredPlan | undefined;
  readonly givenUp: readonly Firing[];
  /** Of what was given up. */
  readonly failures: readonly Failure[];
}

export interface CrashOptions {
  readonly ending: Ending;
  /** From 0 to 1, exclusive. */
  readonly random: () => number;
  /** Which of the firings in flight were the dead process's; all, unless told. */
  readonly isLost?: (firing: UnfinishedFiring) => boolean;
}

/**
 * Each firing in flight is due again as its next attempt: at once after its first crash, then under
 * backoff, which `random` (from 0 to 1, exclusive) spreads; after too many it is given up as failed.
 */
export function afterCrash(
  plan: StoredPlan,
  { ending, random, isLost = () => true }: CrashOptions,
): AfterCrash {
  const givenUp: Firing[] = [];
  let after: StoredPlan | undefined = plan;
  for (const firing of plan.unfinished) {
    if (after === undefined || firing.state.kind !== 'in_flight' || !isLost(firing)) continue;
    const crashes = firing.crashes + 1;
    if (crashes > maxCrashes) {
      givenUp.push({ ...firingOf(plan, firing), crashes });
      after = finished(after, firing, -1, ending);
    } else {
      after = crashed(after, firing, dueAgain(crashes, ending.now, random));
    }
  }
  const failures = givenUp.map((firing) =>
    failureOf(firing, plan, `under way at ${firing.crashes} crashes of the server`, ending.now),
  );
  return { plan: after, givenUp, failures };
}

/** Jitter spreads what crashed together, so that one poisonous firing takes few others with it again. */
function dueAgain(crashes: number, now: UnixSeconds, random: () => number): UnixSeconds {
  if (crashes === 1) return now;
  const backoff = Math.min(backoffSeconds.first * 2 ** (crashes - 2), backoffSeconds.most);
  return addSeconds(now, backoff + Math.round(random() * backoff * backoffSeconds.jitter));
}
