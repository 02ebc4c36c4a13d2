import type { Firing } from '../../core/firing.ts';
import type { Settlement } from '../store.ts';
import type { Change } from './group-commit.ts';
import { type Ending, settled, unfinishedAt } from './life.ts';
import type { View } from './view.ts';

/** Store.settle as a change. */
export const settling = (
  firing: Firing,
  settlement: Settlement,
  ending: Ending,
): Change<undefined> => ({
  reads: [firing.key],
  apply: (view) => {
    settle(view, firing, settlement, ending);
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

/** Does nothing when that firing, at that attempt, is not in flight any more. */
function settle(view: View, firing: Firing, settlement: Settlement, ending: Ending): void {
  // What cannot be read has nothing to settle; whoever asked would else try again for ever.
  if (view.isUnreadable(firing.key)) return;
  const plan = view.plan(firing.key);
  const ours = plan && unfinishedAt(plan, firing.fireTime, 'in_flight');
  if (plan?.generation !== firing.generation || ours?.attempt !== firing.attempt) return;
  view.set(firing.key, settled(plan, ours, settlement, ending));
}
