import { type Failure, failureOf } from '../core/failure.ts';
import type { Firing } from '../core/firing.ts';
import { type Ending, settled, unfinishedAt } from './life.ts';
import type { PlanView } from './plan-view.ts';
import type { Settlement } from './store.ts';

/** Store.settle, of what the view shows; `onFailed` is told what was given up with it. */
export function settle(
  view: PlanView,
  firing: Firing,
  settlement: Settlement,
  { ending, onFailed }: { readonly ending: Ending; readonly onFailed: (failure: Failure) => void },
): void {
  // What cannot be read has nothing to settle; whoever asked would else try again for ever.
  if (view.isUnreadable(firing.key)) return;
  const plan = view.plan(firing.key);
  const ours = plan && unfinishedAt(plan, firing, 'in_flight');
  // When that attempt is not in flight any more, nothing happens.
  if (plan?.generation !== firing.generation || ours?.attempt !== firing.attempt) return;
  view.set(firing.key, settled(plan, ours, settlement, ending));
  if (settlement.kind !== 'failed') return;
  onFailed(failureOf(firing, plan, settlement.reason, ending.now));
}
