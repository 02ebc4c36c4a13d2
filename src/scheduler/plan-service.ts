import type { ListedFailure } from '../core/failure.ts';
import type { AgendaPlace, Plan, PlanRequest } from '../core/plan.ts';
import type { RestoreRequest } from '../core/plan-restore.ts';
import type { UnixSeconds } from '../core/time.ts';
import type { Page } from './page.ts';

/** How a plan is created; without any, what is under its key is replaced. */
export interface CreateOptions {
  /** Rejects with plan_exists when the key has a plan: any that `get` answers, or cannot read. */
  readonly onlyIfAbsent?: boolean;
}

/** A firing beside the schedule, which is stored and due at once. */
export interface TriggeredFiring {
  /** `key:generation:fireTime:tN`, N being the number of this trigger of the plan. */
  readonly fireId: string;
  readonly fireTime: UnixSeconds;
}

/**
 * What the doors (thrift, http) may ask of the scheduler. Refusals are ForsunErrors. Changes take effect
 * in the order they were called; a read sees the changes whose promise has resolved.
 */
export interface PlanService {
  create(request: PlanRequest, options?: CreateOptions): Promise<Plan>;
  /**
   * All of them, in their order, or none: all are judged before any is stored, and a refusal says which it
   * is of. Only plan_not_stored leaves it open which of them are there.
   */
  createAll(requests: readonly PlanRequest[]): Promise<readonly Plan[]>;
  /**
   * The plan as it stood on another server: due time, zone and counts as given. A due time that is past is
   * kept, and judged by the plan's misfire policy. To restore it again puts it back to the same state.
   */
  restore(request: RestoreRequest, options?: CreateOptions): Promise<Plan>;
  /** The plan as it was; rejects with plan_not_found. */
  remove(key: string): Promise<Plan>;
  /**
   * One firing of the plan now, beside its schedule and its count, and as sure to come as any other: it is
   * tried again, outlives a crash, and is void once the plan is removed or replaced. A plan that has ended
   * and is kept for its status fires once more. Rejects with plan_not_found, and with too_many_unfinished
   * while the plan's max_unfinished is reached.
   */
  trigger(key: string): Promise<TriggeredFiring>;
  /** Rejects with plan_not_found. */
  get(key: string): Promise<Plan>;
  /** Plans that run, are queued, or fall due in the current second. */
  current(): Promise<readonly Plan[]>;
  /** Plans whose next fire time is that second. */
  dueAt(second: UnixSeconds): Promise<readonly Plan[]>;
  /** Keys that start with the prefix, literally, in byte order. */
  keys(prefix: string): Promise<readonly string[]>;
  /**
   * As keys, page by page: at most `limit` of those behind `after`, which need not be there any more. A
   * limit over that of one reply counts as that; one that is no whole number from 1 on is refused.
   */
  keysAfter(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<Page<string, string>>;
  /** As keysAfter, with the plans. A page of large plans has fewer than `limit`; go on while it has a next. */
  plansAfter(prefix: string, after: string | undefined, limit: number): Promise<Page<Plan, string>>;
  /**
   * Plans whose next fire time is from `from` on and before `to`, by time, then key; behind `after`; pages
   * as those of plansAfter. A plan that moves on between two pages may be in both, or in none.
   */
  agenda(
    from: UnixSeconds,
    to: UnixSeconds,
    limit: number,
    after?: AgendaPlace,
  ): Promise<Page<Plan, AgendaPlace>>;
  /**
   * The newest failures, newest first, of keys that start with the prefix, literally; behind the one of the
   * number `before`, which need not be there any more; `limit` is 1 to maxFailuresListed.
   */
  failures(prefix: string, limit: number, before?: number): Promise<Page<ListedFailure, number>>;
}
