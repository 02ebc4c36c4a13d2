import type { Firing } from '../../core/firing.ts';
import type { Ending } from '../life.ts';
import { settle } from '../settle.ts';
import type { Settlement } from '../store.ts';
import type { FailureRing } from './failures.ts';
import type { Change } from './group-commit.ts';

/** Store.settle as a change. */
export const settling = (
  firing: Firing,
  settlement: Settlement,
  ending: Ending,
  failures: FailureRing,
): Change<undefined> => ({
  reads: [firing.key],
  apply: (view) => {
    settle(view, firing, settlement, {
      ending,
      onFailed: (failure) => failures.add(view, failure),
    });
    return () => undefined;
  },
});

/** Releases them all, as one change. */
export const releaseAll = (firings: readonly Firing[], ending: Ending): Change<undefined> => ({
  reads: firings.map(({ key }) => key),
  apply: (view) => {
    for (const firing of firings) {
      settle(view, firing, { kind: 'released' }, { ending, onFailed: () => undefined });
    }
    return () => undefined;
  },
});
