import type { ListedFailure } from '../core/failure.ts';
import type { Firing } from '../core/firing.ts';
import type { AgendaPlace, Plan, PlanDraft, PlanPast } from '../core/plan.ts';
import type { Clock, UnixSeconds } from '../core/time.ts';

/** A firing that is ours to run, with its plan as it stood when claimed. */
export interface Claim {
  readonly firing: Firing;
  readonly plan: Plan;
}

/** How much a claim may take. */
export interface ClaimRoom {
  /** Firings in all. */
  readonly firings: number;
  /** Of these, how many may be catch-up: due times before `lateBefore`, a quarter of them newest first. */
  readonly late: number;
  readonly lateBefore: UnixSeconds;
}

export interface ClaimResult {
  readonly claims: readonly Claim[];
  /** Due times that did not fire for themselves, by a plan's misfire policy or limit of unfinished. */
  readonly merged: number;
  readonly skipped: number;
  /** Firings claimed of which the due time was a misfire. */
  readonly misfires: number;
  /**
   * Entries that left the agenda, durably: fired, merged, skipped or expired. With none, to claim again at
   * once would bring nothing, or the same again.
   */
  readonly moved: number;
  /** More is due by then than was taken, and more room would take it at once. */
  readonly more: boolean;
}

/** How a plan is put; without any, whatever is under its key is replaced, and the plan begins now. */
export interface PutOptions {
  /** Rejects with plan_exists when there is a plan under the key, though it has ended or cannot be read. */
  readonly onlyIfAbsent?: boolean;
  /** What the plan has behind it elsewhere, kept as it is given; what follows counts on from there. */
  readonly past?: PlanPast;
}

/** How a firing leaves its in-flight state. */
export type Settlement =
  | { readonly kind: 'done' }
  /** Given up; kept among the newest failures, with what the action said of it. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** Due again then, as attempt + 1; counts as a failure. */
  | { readonly kind: 'retry'; readonly until: UnixSeconds }
  /** Never started: back on the agenda, due at once, attempt kept. */
  | { readonly kind: 'released' }
  /** Never started: kept with its target until claimParked takes it, attempt kept. */
  | { readonly kind: 'parked'; readonly origin: string };

/** What open found in flight: the process before died. */
export interface Recovery {
  /** Put on the agenda as attempt + 1. */
  readonly reclaimed: number;
  /** In flight at too many crashes: ended as failed. */
  readonly givenUp: readonly Firing[];
}

/**
 * Keeps plans, and an agenda of when each is due. test/contract/store.ts states the rules. Changes are
 * durable (as the store's settings say) when their promise resolves, and take effect in the order they
 * were called; a rejected change has the code plan_not_stored and an unknown outcome.
 */
export interface Store {
  /** The clock by which due times are judged and from which intervals count. */
  now(): UnixSeconds;
  /** That clock, where it is not this machine's. */
  readonly clock?: Clock;
  /** What the process before left in flight and how it was put back; counted from open. */
  readonly recovery: Recovery;

  /**
   * Saves the plan with its first fire time under a new generation; what was under its key, and all its
   * unfinished firings, is void. The first fire time is the caller's, so that it can refuse before. One
   * that is past is kept: the plan's misfire policy judges it, as after an outage.
   */
  put(draft: PlanDraft, firstFireTime: UnixSeconds, options?: PutOptions): Promise<Plan>;
  /**
   * Removing an absent plan is not an error: the answer is undefined. A plan that cannot be read is
   * removed too; of it the answer tells the key, and -1 for its status.
   */
  remove(key: string): Promise<Plan | undefined>;
  /**
   * Notes one firing more of the plan, due at once: its fire time is now, its number the plan's next one.
   * Schedule and counts of the plan stay as they are; one that has ended lives until the firing has ended
   * too. Undefined when there is no plan; rejects with too_many_unfinished at the plan's limit.
   */
  trigger(key: string): Promise<Firing | undefined>;
  get(key: string): Promise<Plan | undefined>;
  /** Those of the keys that exist, in the order asked. */
  getMany(keys: readonly string[]): Promise<readonly Plan[]>;
  /**
   * Keys that start with the prefix, literally, in byte order of UTF-8, behind `after`; at most `limit`.
   * With fewer there are no more.
   */
  keys(prefix: string, limit: number, after?: string): Promise<readonly string[]>;
  /**
   * Plans whose next fire time is from `from` on and before `to`, in the agenda's order, behind `after`;
   * at most `limit`. With fewer there are no more.
   */
  agenda(
    from: UnixSeconds,
    to: UnixSeconds,
    limit: number,
    after?: AgendaPlace,
  ): Promise<readonly Plan[]>;
  /** Plans in the store. Kept, not found by scanning. */
  planCount(): number;

  /**
   * Takes what is due by then off the agenda, earliest first, and makes each an in-flight firing: what
   * is claimed is not claimed again. A repeating plan's next due time takes its place on the agenda.
   */
  claim(until: UnixSeconds, room: ClaimRoom): Promise<ClaimResult>;
  /** As claim, from what is parked at the origin, oldest first; none only when nothing is parked there. */
  claimParked(origin: string, limit: number): Promise<readonly Claim[]>;
  /** Origins that have something parked, in byte order, after that one; at most `limit`. */
  parkedOrigins(after: string | undefined, limit: number): Promise<readonly string[]>;
  /**
   * Asked of a firing just before it runs, where several nodes share a store: true while it is in flight
   * for this one, and its plan neither removed nor replaced, on any node; undefined where that cannot be
   * told just now. Absent: every claim is.
   */
  confirm?(firing: Firing): Promise<boolean | undefined>;
  /** Ends a claim. When its plan was removed or replaced meanwhile, nothing happens. */
  settle(firing: Firing, settlement: Settlement): Promise<void>;
  /**
   * What was given up, at its settling or after crashes, newest first: those of keys that start with the
   * prefix, literally, with a number below `before`; at most `limit`. With fewer there are no more. As many
   * of the newest are kept as the store is told to.
   */
  failures(prefix: string, limit: number, before?: number): Promise<readonly ListedFailure[]>;

  /** Why changes cannot be made just now; undefined while they can. A store that cannot tell has none. */
  trouble?(): string | undefined;

  /** Waits for changes under way; what is in flight stays so and is claimed again by the next open. */
  close(): Promise<void>;
}
