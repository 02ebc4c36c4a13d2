import type { UnixSeconds } from './time.ts';

/** Which of the firings of one plan: no two are the same in both. */
export interface FiringName {
  /** The due time the schedule yielded, or when it was triggered; the same on every attempt. */
  readonly fireTime: UnixSeconds;
  /** Counts those of the plan that were triggered, beside its schedule; absent for a due time's. */
  readonly trigger?: number;
}

/** One event of a plan, given to its action. Due when its fire time (a retry: its delay) has come. */
export interface Firing extends FiringName {
  readonly key: string;
  readonly generation: number;
  /** Runs so far and this one: 1 at first, one more after a failure or a crash. */
  readonly attempt: number;
  /** Attempts that ended in a failure and were retried. */
  readonly failures: number;
  /** Times the process died with this firing in flight. */
  readonly crashes: number;
}

/** A firing that was claimed or triggered and has not ended, as its plan's record keeps it. */
export interface UnfinishedFiring extends FiringName {
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  readonly state: UnfinishedState;
}

/**
 *            claim                 settle: done, failed
 * agenda ───────────▶ in_flight ───────────────────────▶ (gone)
 *                      ▲  │  ▲ │
 *       claim when due │  │  │ └ settle: parked ▶ parked(origin) ─┐ claimParked
 *                      │  │  └────────────────────────────────────┘
 *            waiting(until) ◀┘ settle: retry (attempt + 1), released (attempt kept)
 *                  ▲
 *                  └ trigger: until now
 */
export type UnfinishedState =
  | { readonly kind: 'in_flight' }
  | { readonly kind: 'waiting'; readonly until: UnixSeconds }
  | { readonly kind: 'parked'; readonly origin: string };

/** The same on every delivery of one firing, and of no other, so a receiver can drop a duplicate. */
export function fireId({
  key,
  generation,
  fireTime,
  trigger,
}: Pick<Firing, 'key' | 'generation' | keyof FiringName>): string {
  const ofDueTime = `${key}:${generation}:${fireTime}`;
  return trigger === undefined ? ofDueTime : `${ofDueTime}:t${trigger}`;
}
