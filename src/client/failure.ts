import { ForsunServerError } from './errors.ts';
import type { Nullable, WireFailure } from './generated.ts';

/** A firing that was given up as failed, as the server tells it. Times are seconds since the epoch. */
export interface Failure {
  readonly key: string;
  /** That of the plan as it was then. */
  readonly action: string;
  /** The due time that it was for. */
  readonly fireTime: number;
  /** Runs in all, the last one included. */
  readonly attempts: number;
  readonly failedAt: number;
  /** What the action said of it. */
  readonly reason: string;
}

export function failureOf({
  key,
  action,
  fire_time,
  attempts,
  failed_at,
  reason,
}: Nullable<WireFailure>): Failure {
  if (
    key == null ||
    action == null ||
    fire_time == null ||
    attempts == null ||
    failed_at == null ||
    reason == null
  ) {
    throw new ForsunServerError('the server sent a failure that is not whole');
  }
  const times = { fireTime: fire_time.toNumber(), failedAt: failed_at.toNumber() };
  return { key, action, attempts, reason, ...times };
}
