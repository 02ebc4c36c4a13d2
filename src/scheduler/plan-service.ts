import type { Failure } from '../core/failure.ts';
import type { Plan, PlanRequest } from '../core/plan.ts';
import type { UnixSeconds } from '../core/time.ts';

/**
 * What the doors (thrift, http) may ask of the scheduler. Refusals are ForsunErrors. Changes take effect
 * in the order they were called; a read sees the changes whose promise has resolved.
 */
export interface PlanService {
  create(request: PlanRequest): Promise<Plan>;
  /** The plan as it was; rejects with plan_not_found. */
  remove(key: string): Promise<Plan>;
  /** Rejects with plan_not_found. */
  get(key: string): Promise<Plan>;
  /** Plans that run, are queued, or fall due in the current second. */
  current(): Promise<readonly Plan[]>;
  /** Plans whose next fire time is that second. */
  dueAt(second: UnixSeconds): Promise<readonly Plan[]>;
  /** Keys that start with the prefix, literally, in byte order. */
  keys(prefix: string): Promise<readonly string[]>;
  /**
   * The newest failures, newest first, of keys that start with the prefix, literally; `limit` is 1 to
   * maxFailuresListed.
   */
  failures(prefix: string, limit: number): Promise<readonly Failure[]>;
}
