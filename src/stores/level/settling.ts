import { failureOf } from '../../core/failure.ts';
import type { Firing } from '../../core/firing.ts';
import type { Settlement } from '../store.ts';
import type { StoredPlan } from '../stored-plan.ts';
import type { FailureRing } from './failures.ts';
import type { Change } from './group-commit.ts';
import { type Ending, settled, unfinishedAt } from '../life.ts';
import type { View } from './view.ts';

/** Store.settle as a change. */
export const settling = (
  firing: Firing,
  settlement: Settlement,
  ending: Ending,
  failures: FailureRing,
): Change<undefined> => ({
  reads: [firing.key],
  apply: (view) => {
    const plan = settle(view, firing, settlement, ending);
    if (plan !== undefined && settlement.kind === 'failed') {
      failures.add(view, failureOf(firing, plan, settlement.reason, ending.now));
    }
    return () => undefined;
  },
});

/** Releases them all, as one change. */
export const releaseAll = (firings: readonly Firing[], ending: Ending): Change<undefined> => ({
  reads: firings.map(({ key }) => key),
  apply: (view) => {
    for (const firing of firings) settle(view, firing, { kind: 'released' }, ending);
    return () => undefined;
  },
});

/** The plan as it was; undefined, and nothing done, when that attempt is not in flight any more. */
function settle(
  view: View,
  firing: Firing,
  settlement: Settlement,
  ending: Ending,
): StoredPlan | undefined {
  // What cannot be read has nothing to settle; whoever asked would else try again for ever.
  if (view.isUnreadable(firing.key)) return undefined;
  const plan = view.plan(firing.key);
  const ours = plan && unfinishedAt(plan, firing, 'in_flight');
  if (plan?.generation !== firing.generation || ours?.attempt !== firing.attempt) return undefined;
  view.set(firing.key, settled(plan, ours, settlement, ending));
  return plan;
}
