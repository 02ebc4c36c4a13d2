import type { Action, ActionRegistry, PreparedAction } from '../actions/action.ts';
import { fireId } from '../core/firing.ts';
import { actionParams, policyOf } from '../core/policy.ts';
import type { Clock } from '../core/time.ts';
import type { Claim, Settlement, Store } from '../stores/store.ts';
import { type DispatchLimits, type Ended, Lanes } from './lanes.ts';
import { ParkedOrigins } from './parked-origins.ts';
import { RunUnderDeadline } from './run.ts';
import { Verdict, type VerdictDeps } from './verdict.ts';

/** A run that takes longer than this and brings no answer does not count as ended in time. */
const promptMs = 1_000;
/** Between attempts to settle while the store refuses changes. */
const settleAgainMs = 1_000;

/** A claim in our hands until its settling is durable. */
interface Held {
  readonly claim: Claim;
  readonly action: Action;
  readonly prepared: PreparedAction;
  readonly origin: string;
  /** Is one of those that may hold half of all room at most. */
  countsAsUnproven: boolean;
  run?: RunUnderDeadline;
  /** Its plan was removed or replaced while it waited: it must not start. */
  isVoid: boolean;
}

export interface DispatcherDeps extends VerdictDeps {
  readonly store: Store;
  readonly actions: ActionRegistry;
  readonly clock: Clock;
  readonly limits: DispatchLimits;
  /** Called when room has come free. */
  readonly onRoom: () => void;
}

/**
 * Runs claims: each in the lane of its origin, under a deadline, and settles it by its outcome. What finds
 * neither room to run nor to wait is parked in the store and fetched when its origin has room again.
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #verdict: Verdict;
  readonly #lanes: Lanes<Held>;
  readonly #held = new Map<string, Set<Held>>();
  readonly #parked: ParkedOrigins;
  #heldCount = 0;
  #unprovenHeld = 0;
  /** Claims that are being fetched from the store for their origin. */
  #fetching = 0;
  #isFetching = false;
  #isDraining = false;
  #whenIdle: (() => void) | undefined;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    this.#verdict = new Verdict(deps);
    this.#lanes = new Lanes(deps.limits);
    this.#parked = new ParkedOrigins((after, limit) => deps.store.parkedOrigins(after, limit));
  }

  /** How many claims may be handed over now. */
  room(): number {
    return this.#isDraining ? 0 : this.#deps.limits.held - this.#heldCount - this.#fetching;
  }

  /** Keys of plans that run or are queued. */
  keys(): readonly string[] {
    return [...this.#held.keys()];
  }

  accept(claims: readonly Claim[]): void {
    for (const claim of claims) this.#take(claim, (held) => this.#mustPark(held));
    this.#pump();
  }

  /** Keeps firings of older generations of the key from starting; what runs already runs to its end. */
  void(key: string, beforeGeneration: number): void {
    for (const held of this.#held.get(key) ?? []) {
      if (held.claim.firing.generation < beforeGeneration) held.isVoid = true;
    }
  }

  /** Looks for parked firings whose origin has room; to be called at each tick. */
  async fetchParked(): Promise<void> {
    if (this.#isFetching || this.#isDraining) return;
    this.#isFetching = true;
    try {
      await this.#parked.readOn();
      for (const origin of this.#parked) await this.#fetch(origin);
    } catch (error) {
      this.#storeFailed('parked_not_read', error);
    } finally {
      this.#isFetching = false;
    }
  }

  /**
   * Starts nothing more: what waits goes back to the agenda with its attempt unchanged. Runs may end for
   * that long; what then still runs is cut and stays in flight for the next start.
   */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    for (const held of this.#lanes.removeQueued()) void this.#settle(held, { kind: 'released' });
    if (await this.#idleWithin(graceMs)) return;
    for (const held of this.#all()) held.run?.stop();
    await this.#idleWithin(promptMs);
  }

  #take(claim: Claim, mustPark: (held: Held) => boolean): void {
    const { counters } = this.#deps;
    const { firing } = claim;
    counters.add('timeout_handling_count');
    this.#heldCount += 1;
    const held = this.#prepare(claim);
    if ('unrunnable' in held) {
      const settlement = this.#verdict.failed(claim, held.unrunnable);
      void this.#settleDurably(claim, settlement).then(() => this.#letGo());
      return;
    }
    const others = this.#held.get(firing.key);
    if (others === undefined) this.#held.set(firing.key, new Set([held]));
    else others.add(held);
    if (mustPark(held)) {
      this.#park(held);
      return;
    }
    held.countsAsUnproven = !this.#lanes.isProven(held.origin);
    if (held.countsAsUnproven) this.#unprovenHeld += 1;
    this.#lanes.enqueue(held.origin, held.action.maxRunsPerOrigin, held);
  }

  #park(held: Held): void {
    this.#deps.counters.add('parked_count');
    if (!this.#parked.has(held.origin)) {
      this.#deps.log.warn('target_overloaded', { origin: held.origin });
    }
    this.#parked.add(held.origin);
    void this.#settle(held, { kind: 'parked', origin: held.origin });
  }

  #prepare(claim: Claim): Held | { readonly unrunnable: string } {
    const { plan } = claim;
    try {
      const action = this.#deps.actions.get(plan.action);
      const prepared = action.prepare(actionParams(plan.params));
      const origin = prepared.origin ?? `${plan.action}:${plan.key}`;
      return { claim, action, prepared, origin, countsAsUnproven: false, isVoid: false };
    } catch (error) {
      return { unrunnable: error instanceof Error ? error.message : String(error) };
    }
  }

  #mustPark({ origin }: Held): boolean {
    const { limits } = this.#deps;
    return (
      this.#parked.has(origin) ||
      this.#lanes.queued(origin) >= limits.queuedPerOrigin ||
      (this.#unprovenHeld >= limits.held / 2 && !this.#lanes.isProven(origin))
    );
  }

  #pump(): void {
    if (this.#isDraining) return;
    for (let started = this.#lanes.start(); started; started = this.#lanes.start()) {
      const { item, ended } = started;
      if (item.isVoid) {
        ended(undefined);
        this.#release(item);
      } else {
        void this.#run(item, ended);
      }
    }
  }

  async #run(held: Held, ended: Ended): Promise<void> {
    const { clock, counters } = this.#deps;
    const { plan, firing } = held.claim;
    const timeoutSeconds = policyOf(plan.params).timeoutSeconds ?? held.action.timeoutSeconds;
    counters.add('action_executing_count');
    if (firing.attempt === 1 && clock.now() > firing.fireTime) counters.add('late_count');
    const startedMs = clock.monotonicMs();
    held.run = new RunUnderDeadline(clock, timeoutSeconds);
    const ending = await held.run.end(held.prepared, {
      key: firing.key,
      fireTime: firing.fireTime,
      attempt: firing.attempt,
      fireId: fireId(firing),
    });
    counters.add('action_executing_count', -1);
    const isPrompt = clock.monotonicMs() - startedMs <= promptMs;
    ended(ending.kind === 'ended' && (isPrompt || ending.outcome.kind !== 'retry'));
    this.#pump();
    if (this.#parked.has(held.origin)) void this.#fetchOrLog(held.origin);
    const settlement = this.#verdict.of(held.claim, held.action, ending);
    if (settlement === undefined) this.#release(held);
    else await this.#settle(held, settlement);
  }

  async #settle(held: Held, settlement: Settlement): Promise<void> {
    await this.#settleDurably(held.claim, settlement);
    this.#release(held);
  }

  /** A firing stays in our hands until its settling is durable, however long the store is away. */
  async #settleDurably({ firing }: Claim, settlement: Settlement): Promise<void> {
    const { clock, store } = this.#deps;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await store.settle(firing, settlement);
        return;
      } catch (error) {
        if (attempt === 1) this.#storeFailed('firing_not_settled', error);
        // When stopping, what could not be settled is in flight for the next start.
        if (this.#isDraining) return;
        await new Promise<void>((resolve) => clock.after(settleAgainMs, resolve));
      }
    }
  }

  #release(held: Held): void {
    const { key } = held.claim.firing;
    const all = this.#held.get(key);
    all?.delete(held);
    if (all?.size === 0) this.#held.delete(key);
    if (held.countsAsUnproven) this.#unprovenHeld -= 1;
    this.#letGo();
  }

  #letGo(): void {
    this.#heldCount -= 1;
    this.#deps.counters.add('timeout_handling_count', -1);
    this.#deps.counters.add('timeout_handled_count');
    if (this.#heldCount === 0) this.#whenIdle?.();
    if (!this.#isDraining) this.#deps.onRoom();
  }

  /** Fetches what is parked at an origin, as much as may wait for it, oldest first. */
  async #fetch(origin: string): Promise<void> {
    const { limits, store } = this.#deps;
    if (!this.#parked.has(origin)) return;
    const free = limits.queuedPerOrigin - this.#lanes.queued(origin);
    const unprovenFree = this.#lanes.isProven(origin)
      ? Infinity
      : limits.held / 2 - this.#unprovenHeld;
    const wanted = Math.min(free, unprovenFree, this.room());
    if (wanted < 1 || free < limits.queuedPerOrigin / 2) return;
    this.#fetching += wanted;
    // Out of the list before asking: whoever parks meanwhile puts the origin back.
    this.#parked.delete(origin);
    try {
      const claims = await store.claimParked(origin, wanted);
      for (const claim of claims) this.#take(claim, () => false);
      if (claims.length === wanted) this.#parked.add(origin);
      this.#pump();
    } catch (error) {
      this.#parked.add(origin);
      throw error;
    } finally {
      this.#fetching -= wanted;
    }
  }

  async #fetchOrLog(origin: string): Promise<void> {
    try {
      await this.#fetch(origin);
    } catch (error) {
      this.#storeFailed('parked_not_read', error);
    }
  }

  #storeFailed(event: string, error: unknown): void {
    this.#deps.counters.add('store_error_count');
    this.#deps.log.error(event, { error: String(error) });
  }

  #all(): readonly Held[] {
    return [...this.#held.values()].flatMap((all) => [...all]);
  }

  async #idleWithin(ms: number): Promise<boolean> {
    if (this.#heldCount === 0) return true;
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.after(ms, () => {
        this.#whenIdle = undefined;
        resolve(false);
      });
      this.#whenIdle = () => {
        cancel();
        resolve(true);
      };
    });
  }
}
