import type { Firing } from './firing.ts';
import type { Plan } from './plan.ts';
import type { UnixSeconds } from './time.ts';

/** A firing that was given up as failed: its attempts had ended, or no attempt could help. */
export interface Failure {
  readonly key: string;
  /** That of the plan as it was then. */
  readonly action: string;
  /** The due time that it was for. */
  readonly fireTime: UnixSeconds;
  /** Runs in all, the last one included. */
  readonly attempts: number;
  readonly failedAt: UnixSeconds;
  /** What the action said of it; no secrets in it, at most maxReasonLength long. */
  readonly reason: string;
}

/** UTF-16 units. */
export const maxReasonLength = 256;

/** The newest failures that a store keeps, unless the settings say otherwise. */
export const failuresKeptDefault = 10_000;

/** The most failures that one answer lists. */
export const maxFailuresListed = 10_000;

/** The failure of that firing; a reason that is too long is cut, half characters are replaced. */
export const failureOf = (
  { key, fireTime, attempt }: Pick<Firing, 'key' | 'fireTime' | 'attempt'>,
  { action }: Pick<Plan, 'action'>,
  reason: string,
  failedAt: UnixSeconds,
): Failure => ({ key, action, fireTime, attempts: attempt, failedAt, reason: bounded(reason) });

function bounded(reason: string): string {
  const isTooLong = reason.length > maxReasonLength;
  const kept = isTooLong ? `${reason.slice(0, maxReasonLength - 1)}…` : reason;
  return kept.replace(/\p{Surrogate}/gu, '\ufffd');
}
