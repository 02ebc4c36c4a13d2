import type { Firing, FiringName } from './firing.ts';
import type { Plan } from './plan.ts';
import type { UnixSeconds } from './time.ts';

/** A firing that was given up as failed: its attempts had ended, or no attempt could help. */
export interface Failure extends FiringName {
  readonly key: string;
  /** As the action, that of the plan as it was then. */
  readonly generation: number;
  readonly action: string;
  /** Runs in all, the last one included. */
  readonly attempts: number;
  readonly failedAt: UnixSeconds;
  /** What the action said of it; no secrets in it, at most maxReasonLength long. */
  readonly reason: string;
}

/** A failure as a store lists it. */
export interface ListedFailure extends Failure {
  /** The newer, the higher, and never that of another: what comes later moves no place in the list. */
  readonly number: number;
}

/** UTF-16 units. */
export const maxReasonLength = 256;

/** The newest failures that a store keeps, unless the settings say otherwise. */
export const failuresKeptDefault = 10_000;

/** The most failures that one answer lists. */
export const maxFailuresListed = 10_000;

/** The failure of that firing; a reason that is too long is cut, half characters are replaced. */
export const failureOf = (
  { key, generation, fireTime, trigger, attempt }: Omit<Firing, 'failures' | 'crashes'>,
  { action }: Pick<Plan, 'action'>,
  reason: string,
  failedAt: UnixSeconds,
): Failure => ({
  ...{ key, generation, action, fireTime },
  ...(trigger !== undefined && { trigger }),
  ...{ attempts: attempt, failedAt, reason: bounded(reason) },
});

function bounded(reason: string): string {
  const isTooLong = reason.length > maxReasonLength;
  const kept = isTooLong ? `${reason.slice(0, maxReasonLength - 1)}…` : reason;
  return kept.replace(/\p{Surrogate}/gu, '\ufffd');
}
