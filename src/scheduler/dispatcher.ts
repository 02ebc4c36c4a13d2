import type { ActionRegistry } from '../actions/action.ts';
import { ForsunError } from '../core/errors.ts';
import { fireId } from '../core/firing.ts';
import type { Log } from '../core/log.ts';
import { actionParams } from '../core/policy.ts';
import { thrownText } from '../core/thrown-text.ts';
import type { Clock, UnixSeconds } from '../core/time.ts';
import type { FiringLoad } from '../metrics/info.ts';
import type { Claim, Settlement, Store } from '../stores/store.ts';
import { BoundedLog } from './bounded-log.ts';
import { Confirmation } from './confirmation.ts';
import type { EndedPlans } from './ended-plans.ts';
import { Held } from './held.ts';
import { type DispatchLimits, type Ended, Lanes } from './lanes.ts';
import { Parking } from './parking.ts';
import { RunUnderDeadline } from './run.ts';
import { Settling, Unsettled } from './settling.ts';
import { Verdict, type VerdictDeps } from './verdict.ts';

/** How long runs that were cut may take to end. */
const cutMs = 1_000;
/** Parked firings fetched at once: one durable step, short enough not to hold up the others. */
const fetchSize = 512;
/** Firings that wait in memory for an origin which has yet to prove itself. */
const trialSize = 64;
/** Until a shared store is asked again of what it could not tell. */
const unconfirmedMs = 500;
/** The part of all firings held that origins of a standing may have together. */
const unprovenShares = { untried: 1 / 4, failing: 1 / 2 } as const;

export interface DispatcherDeps extends Omit<VerdictDeps, 'log'> {
  readonly log: Log;
  readonly store: Store;
  readonly actions: ActionRegistry;
  readonly clock: Clock;
  readonly limits: DispatchLimits;
  readonly ended: EndedPlans;
  /** Called when room has come free. */
  readonly onRoom: () => void;
}

/**
 * Runs claims: each in the lane of its origin, under a deadline, and settles it by its outcome. What finds
 * neither room to run nor to wait is parked in the store and fetched when its origin has room again.
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #log: BoundedLog;
  readonly #verdict: Verdict;
  readonly #lanes: Lanes<Held>;
  readonly #parking: Parking;
  readonly #settling: Settling;
  readonly #confirmation: Confirmation;
  readonly #held = new Map<string, Set<Held>>();
  #heldCount = 0;
  #isDraining = false;
  #whenIdle: (() => void) | undefined;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    const log = (this.#log = new BoundedLog(deps.log, deps.clock));
    this.#verdict = new Verdict({ ...deps, log });
    this.#confirmation = new Confirmation({ ...deps, log });
    this.#lanes = new Lanes(deps.limits, () => deps.clock.monotonicMs());
    this.#parking = new Parking({
      ...deps,
      log,
      roomOf: (origin) => this.#roomForParked(origin),
      take: (claims) => this.#accept(claims, () => false),
      onFetched: () => this.#tellWhenIdle(),
    });
    this.#settling = new Settling({
      ...deps,
      log,
      isFetching: (origin) => this.#parking.isFetching(origin),
    });
  }

  /** How many claims may be handed over now. */
  room(): number {
    return this.#isDraining ? 0 : this.#deps.limits.held - this.#heldCount - this.#parking.coming;
  }

  /** Keys of plans that run or are queued. */
  keys(): readonly string[] {
    return [...this.#held.keys()];
  }

  load(): FiringLoad {
    const { queued, stalled: stalledTargets } = this.#lanes.load();
    return { queued, parkedTargets: this.#parking.origins, stalledTargets };
  }

  accept(claims: readonly Claim[]): void {
    this.#accept(claims, ({ origin }) => this.#parking.has(origin) || this.#roomOf(origin) < 1);
  }

  /** Keeps firings of older generations of the key from starting; what runs already runs to its end. */
  void(key: string, beforeGeneration: number): void {
    for (const held of this.#held.get(key) ?? []) {
      if (held.firing.generation < beforeGeneration) held.isVoid = true;
    }
  }

  /** At each tick: parks what waits for a stalled origin, fetches what is parked where there is room. */
  async tick(): Promise<void> {
    this.#log.tick();
    if (this.#isDraining) return;
    for (const held of this.#lanes.removeStalled()) this.#park(held);
    await this.#parking.sweep();
  }

  /**
   * Starts nothing more: what waits goes back to the agenda with its attempt unchanged. Runs may end for
   * that long; what then still runs is cut and stays in flight for the next start.
   */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    this.#settling.stop();
    for (const held of this.#lanes.removeQueued()) this.#giveBack(held);
    if (!(await this.#idleWithin(graceMs))) {
      for (const held of this.#all()) held.run?.stop();
      await this.#idleWithin(cutMs);
    }
    this.#log.flush();
  }

  #accept(claims: readonly Claim[], mustPark: (held: Held) => boolean): void {
    for (const claim of claims) {
      const held = this.#prepare(claim);
      this.#deps.counters.add('timeout_handling_count');
      this.#heldCount += 1;
      if ('unrunnable' in held) {
        const settlement = this.#verdict.failed(claim, claim.plan.action, held.unrunnable);
        void this.#settling
          .settle(new Unsettled(claim.firing), settlement)
          .then(() => this.#letGo());
        continue;
      }
      this.#hold(held);
      if (this.#isDraining || this.#deps.ended.has(claim.firing)) this.#giveBack(held);
      else if (mustPark(held)) this.#park(held);
      else this.#enqueue(held);
    }
    this.#pump();
  }

  /** Never throws: the other claims that came with it would be lost until the next start. */
  #prepare(claim: Claim): Held | { readonly unrunnable: string } {
    const { plan } = claim;
    try {
      const action = this.#deps.actions.get(plan.action);
      return new Held(claim, action, action.prepare(actionParams(plan.params)));
    } catch (error) {
      return { unrunnable: error instanceof ForsunError ? error.message : thrownText(error) };
    }
  }

  /** Firings that may still wait for the origin in memory. */
  #roomOf(origin: string): number {
    const { held, queuedPerOrigin } = this.#deps.limits;
    const queue = queuedPerOrigin - this.#lanes.queued(origin);
    const standing = this.#lanes.standing(origin);
    if (standing === 'proven') return queue;
    // What is being fetched may be of any standing: counted as of this one, it never passes its share.
    const taken = this.#lanes.size(standing) + this.#parking.coming;
    const share = held * unprovenShares[standing];
    // One each where there are many: so more of them are tried.
    const trial = taken < share / 2 ? trialSize : 1;
    return Math.min(queue, trial - this.#lanes.queued(origin), share - taken);
  }

  /** None until half of the queue is free: few large steps, not many small ones. Little for a trial. */
  #roomForParked(origin: string): number {
    const isHalfFree = this.#lanes.queued(origin) <= this.#deps.limits.queuedPerOrigin / 2;
    if (!isHalfFree || this.#lanes.isStalled(origin)) return 0;
    const isProven = this.#lanes.standing(origin) === 'proven';
    const most = isProven ? fetchSize : this.#lanes.trialRuns;
    return Math.min(most, this.#roomOf(origin), this.room());
  }

  #enqueue(held: Held): void {
    this.#lanes.enqueue(held.origin, held.maxRuns, held);
  }

  #park(held: Held): void {
    const { origin } = held;
    this.#parking.add(origin);
    void this.#settle(held, { kind: 'parked', origin }).then(() => this.#parking.parked(origin));
  }

  #pump(): void {
    if (this.#isDraining) return;
    for (let started = this.#lanes.start(); started; started = this.#lanes.start()) {
      const { item, ended } = started;
      if (item.isVoid) {
        ended(undefined);
        this.#giveBack(item);
      } else {
        void this.#runIfOurs(item, ended);
      }
    }
  }

  /** Where several nodes share the store, it may have become another's while it waited here. */
  async #runIfOurs(held: Held, ended: Ended): Promise<void> {
    if (this.#deps.store.confirm === undefined) return this.#run(held, ended);
    const isOurs = await this.#confirmation.isOurs(held.firing);
    const mayStart = !held.isVoid && !this.#isDraining;
    if (isOurs === true && mayStart) return this.#run(held, ended);
    ended(undefined);
    if (isOurs === undefined && mayStart) this.#startLater(held);
    else this.#giveBack(held);
    this.#pump();
  }

  /** What the store can tell nothing of keeps nobody else from running meanwhile. */
  #startLater(held: Held): void {
    this.#deps.clock.after(unconfirmedMs, () => {
      if (this.#isDraining) this.#giveBack(held);
      else this.#enqueue(held);
      this.#pump();
    });
  }

  async #run(held: Held, ended: Ended): Promise<void> {
    const { clock, counters, measures } = this.#deps;
    const { key, fireTime, attempt } = held.firing;
    if (attempt === 1) this.#noteLateness(fireTime);
    counters.add('action_executing_count');
    held.run = new RunUnderDeadline(clock, held.timeoutSeconds);
    const run = { key, fireTime, attempt, fireId: fireId(held.firing) };
    const startMs = clock.monotonicMs();
    const ending = await held.run.end(held.prepared, run);
    const runSeconds = (clock.monotonicMs() - startMs) / 1000;
    measures.ofAction(held.action.name).runSeconds.observe(runSeconds);
    counters.add('action_executing_count', -1);
    const isForGood = ending.kind === 'ended' && ending.outcome.kind !== 'retry';
    const giveBack = (): void => {
      ended(isForGood);
      this.#pump();
      void this.#parking.fetch(held.origin);
    };
    if (isForGood) giveBack();
    const settlement = this.#verdict.of(held.claim, held.action, held.origin, ending);
    if (settlement === undefined) this.#release(held);
    else await this.#settle(held, settlement);
    // Only now: a target that fails at once would else fill the store's queue as fast as it can fail.
    if (!isForGood) giveBack();
  }

  #noteLateness(fireTime: UnixSeconds): void {
    const { clock, counters, measures } = this.#deps;
    const seconds = clock.nowMs() / 1000 - fireTime;
    measures.lateness.observe(Math.max(seconds, 0));
    if (seconds >= 1) counters.add('late_count');
  }

  /** It never started. To what is void, or another's by now, this does nothing. */
  #giveBack(held: Held): void {
    void this.#settle(held, { kind: 'released' });
  }

  /** It stays in our hands until that is durable. */
  async #settle(held: Held, settlement: Settlement): Promise<void> {
    await this.#settling.settle(held, settlement);
    this.#release(held);
  }

  #hold(held: Held): void {
    const { key } = held.firing;
    const all = this.#held.get(key);
    for (const other of all ?? []) {
      if (fireId(other.firing) === fireId(held.firing)) other.isSuperseded = true;
    }
    if (all === undefined) this.#held.set(key, new Set([held]));
    else all.add(held);
  }

  #release(held: Held): void {
    const { key } = held.firing;
    const all = this.#held.get(key);
    all?.delete(held);
    if (all?.size === 0) this.#held.delete(key);
    this.#letGo();
  }

  #letGo(): void {
    this.#heldCount -= 1;
    this.#deps.counters.add('timeout_handling_count', -1);
    this.#deps.counters.add('timeout_handled_count');
    this.#tellWhenIdle();
    if (!this.#isDraining) this.#deps.onRoom();
  }

  /** Nothing is in our hands, nor on its way into them. */
  get #isIdle(): boolean {
    return this.#heldCount + this.#parking.coming === 0;
  }

  #tellWhenIdle(): void {
    if (this.#isIdle) this.#whenIdle?.();
  }

  #all(): readonly Held[] {
    return [...this.#held.values()].flatMap((all) => [...all]);
  }

  async #idleWithin(ms: number): Promise<boolean> {
    if (this.#isIdle) return true;
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
