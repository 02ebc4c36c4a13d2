import type { UnixSeconds } from './time.ts';

/** One event of a plan, given to its action. Due when its fire time (a retry: its delay) has come. */
export interface Firing {
  readonly key: string;
  readonly generation: number;
  /** The due time the schedule yielded; the same on every attempt. */
  readonly fireTime: UnixSeconds;
  /** Runs so far and this one: 1 at first, one more after a failure or a crash. */
  readonly attempt: number;
  /** Attempts that ended in a failure and were retried. */
  readonly failures: number;
  /** Times the process died with this firing in flight. */
  readonly crashes: number;
}

/** A firing that was claimed and has not ended, as its plan's record keeps it. */
export interface UnfinishedFiring {
  readonly fireTime: UnixSeconds;
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
 */
export type UnfinishedState =
  | { readonly kind: 'in_flight' }
  | { readonly kind: 'waiting'; readonly until: UnixSeconds }
  | { readonly kind: 'parked'; readonly origin: string };

/** The same on every delivery of one due time of one plan, so a receiver can drop a duplicate. */
export const fireId = (firing: Pick<Firing, 'key' | 'generation' | 'fireTime'>): string =>
  `${firing.key}:${firing.generation}:${firing.fireTime}`;
