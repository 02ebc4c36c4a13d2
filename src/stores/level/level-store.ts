import { planExists, planNotStored, quote } from '../../core/errors.ts';
import type { ListedFailure } from '../../core/failure.ts';
import type { Firing } from '../../core/firing.ts';
import type { Log } from '../../core/log.ts';
import type { AgendaPlace, Plan, PlanDraft } from '../../core/plan.ts';
import { defaultPolicy, type Policy, policyOf } from '../../core/policy.ts';
import type { Clock, UnixSeconds } from '../../core/time.ts';
import { Counters } from '../../metrics/counters.ts';
import { ClaimDue } from '../claim-due.ts';
import type { UnreadableRecord } from '../record.ts';
import type {
  Claim,
  ClaimResult,
  ClaimRoom,
  PutOptions,
  Recovery,
  Settlement,
  Store,
} from '../store.ts';
import { type Counts, readCounts } from './counts.ts';
import type { Database, WriteBatch } from './database.ts';
import type { FailureRing } from './failures.ts';
import { type Change, GroupCommit } from './group-commit.ts';
import { begun, type Ending, triggered } from '../life.ts';
import { StoreMemory } from './memory.ts';
import { NearAgenda } from './near-agenda.ts';
import { ClaimParked, parkedOrigins, ParkedStarts } from './parked.ts';
import { PlanReader } from './plan-reader.ts';
import { strayFirings } from './recovery.ts';
import { releaseAll, settling } from './settling.ts';
import { Unclaimable } from '../unclaimable.ts';
import { unreadPlan } from '../unread-plan.ts';
import { findIndexKeys, withoutStrayIndexes } from './unreadable.ts';

/** What a level store needs besides its database. */
export interface LevelStoreSettings {
  readonly clock: Clock;
  readonly log: Log;
  /** Counts plans that cannot be read or claimed. */
  readonly counters?: Counters;
  /** How long a plan that has ended stays, for its status; 0: it is gone at once. */
  readonly statusKeepSeconds: number;
  /** How many of the newest failures are kept; 10,000 unless told otherwise, 0 for none. */
  readonly failuresKept?: number;
  /** Spreads re-claims after a crash: from 0 to 1, exclusive. */
  readonly random: () => number;
  /** Of plans whose params say nothing else. */
  readonly policy?: Policy;
  readonly nearAgenda?: NearAgendaBounds;
}

/** How much of what falls due is kept in memory ahead of time; for due times, and for what waits. */
export interface NearAgendaBounds {
  readonly entries: number;
  readonly bytes: number;
  readonly horizonSeconds: number;
}

const defaultBounds: NearAgendaBounds = {
  entries: 100_000,
  bytes: 64 * 1024 * 1024,
  horizonSeconds: 60,
};

/** What the store has found in its database. */
export interface LevelContents {
  readonly db: Database;
  readonly counts: Counts;
  readonly failures: FailureRing;
}

/** The embedded store, over an open database; see docs/design.md for its way of working. */
export class LevelStore implements Store {
  readonly recovery: Recovery;
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #statusKeepSeconds: number;
  readonly #policy: Policy;
  readonly #plans: PlanReader;
  readonly #near: NearAgenda;
  readonly #parkedStarts = new ParkedStarts();
  readonly #memory: StoreMemory;
  readonly #commit: GroupCommit;
  readonly #failures: FailureRing;
  readonly #unclaimable: Unclaimable;
  #loading: Promise<void> | undefined;
  #isClosed = false;

  constructor(
    { db, counts, failures }: LevelContents,
    recovery: Recovery,
    settings: LevelStoreSettings,
  ) {
    this.recovery = recovery;
    this.#db = db;
    this.#clock = settings.clock;
    this.#log = settings.log;
    this.#statusKeepSeconds = settings.statusKeepSeconds;
    this.#policy = settings.policy ?? defaultPolicy;
    this.#unclaimable = new Unclaimable(settings.log, settings.counters ?? new Counters());
    const onUnreadable = (error: UnreadableRecord): void =>
      this.#unclaimable.report(error.key, error);
    this.#plans = new PlanReader(db, onUnreadable);
    const bounds = settings.nearAgenda ?? defaultBounds;
    this.#near = new NearAgenda(db, {
      bounds,
      horizonSeconds: bounds.horizonSeconds,
      onUnreadable,
    });
    this.#memory = new StoreMemory(this.#near, this.#parkedStarts);
    this.#commit = new GroupCommit(db, this.#memory, counts);
    this.#failures = failures;
  }

  now(): UnixSeconds {
    return this.#clock.now();
  }

  async put(
    draft: PlanDraft,
    firstFireTime: UnixSeconds,
    { onlyIfAbsent = false, past }: PutOptions = {},
  ): Promise<Plan> {
    const { key } = draft;
    const now = this.now();
    const { plan, wasUnreadable } = await this.#commit.change({
      reads: [key],
      apply: (view) => {
        requireStorableKey(key);
        if (this.#db.isFull) throw planNotStored('the disk is full, so no plan is taken in');
        const wasUnreadable = view.isUnreadable(key);
        if (onlyIfAbsent && (wasUnreadable || view.plan(key) !== undefined)) throw planExists(key);
        const plan = begun(draft, view.nextGeneration(), now, firstFireTime, past);
        view.set(key, plan);
        return () => ({ plan, wasUnreadable });
      },
    });
    if (wasUnreadable) await this.#tidyAfter(key);
    return plan;
  }

  async remove(key: string): Promise<Plan | undefined> {
    const { plan, wasUnreadable } = await this.#commit.change({
      reads: [key],
      apply: (view) => {
        const wasUnreadable = view.isUnreadable(key);
        const plan = wasUnreadable
          ? unreadPlan(key, view.newestGeneration, this.now())
          : view.plan(key);
        if (plan !== undefined) view.set(key, undefined);
        return () => ({ plan, wasUnreadable });
      },
    });
    if (wasUnreadable) await this.#tidyAfter(key);
    return plan;
  }

  trigger(key: string): Promise<Firing | undefined> {
    const now = this.now();
    return this.#commit.change({
      reads: [key],
      apply: (view) => {
        const plan = view.plan(key);
        if (plan === undefined) return () => undefined;
        if (this.#db.isFull) throw planNotStored('the disk is full, so no plan is triggered');
        const { plan: after, firing } = triggered(plan, policyOf(plan.params, this.#policy), now);
        view.set(key, after);
        return () => firing;
      },
    });
  }

  get(key: string): Promise<Plan | undefined> {
    return this.#plans.get(key);
  }

  getMany(keys: readonly string[]): Promise<readonly Plan[]> {
    return this.#plans.getMany(keys);
  }

  keys(prefix: string, limit: number, after?: string): Promise<readonly string[]> {
    return this.#plans.keys(prefix, limit, after);
  }

  agenda(
    from: UnixSeconds,
    to: UnixSeconds,
    limit: number,
    after?: AgendaPlace,
  ): Promise<readonly Plan[]> {
    return this.#plans.agenda(from, to, limit, after);
  }

  planCount(): number {
    return this.#commit.counts.plans;
  }

  async claim(until: UnixSeconds, room: ClaimRoom): Promise<ClaimResult> {
    const result = await this.#commit.change(
      new ClaimDue(this.#near, until, room, {
        statusKeepSeconds: this.#statusKeepSeconds,
        policy: this.#policy,
        onUnclaimable: (key, error) => this.#unclaimable.report(key, error),
      }),
    );
    this.#loadAhead();
    return result;
  }

  async claimParked(origin: string, limit: number): Promise<readonly Claim[]> {
    for (;;) {
      const { claims, hasFound } = await this.#commit.change(
        new ClaimParked(this.#db, this.#parkedStarts, { origin, limit }, (key, error) =>
          this.#unclaimable.report(key, error),
        ),
      );
      if (claims.length > 0 || !hasFound) return claims;
    }
  }

  parkedOrigins(after: string | undefined, limit: number): Promise<readonly string[]> {
    return parkedOrigins(this.#db, after, limit);
  }

  settle(firing: Firing, settlement: Settlement): Promise<void> {
    return this.#commit.change(settling(firing, settlement, this.#ending, this.#failures));
  }

  failures(prefix: string, limit: number, before?: number): Promise<readonly ListedFailure[]> {
    return this.#failures.list(prefix, limit, before);
  }

  trouble(): string | undefined {
    return this.#db.trouble ?? (this.#db.isFull ? 'the disk is full' : undefined);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#commit.idle();
    await this.#loading;
    await this.#db.close();
  }

  /** The database failed and came back: what memory knew of it may be wrong. */
  onReopened(): void {
    this.#commit.rebuildFirst(async () => {
      this.#memory.forget();
      const counts = await readCounts(this.#db);
      await this.#failures.locate();
      const stray = await strayFirings(this.#db, this.#memory);
      return stray.length === 0 ? { counts } : { counts, change: releaseAll(stray, this.#ending) };
    });
  }

  /** The record under the key could not be read and is gone: so shall be what stood for it elsewhere. */
  async #tidyAfter(key: string): Promise<void> {
    this.#log.warn('unreadable_plan_removed', { key: quote(key) });
    try {
      const strays = await findIndexKeys(this.#db, key);
      await this.#commit.change(withoutStrayIndexes(key, strays));
    } catch (error) {
      // They do no harm: each is passed over when it is met.
      this.#log.warn('agenda_not_tidied', { key: quote(key), reason: String(error) });
    }
  }

  #loadAhead(): void {
    if (this.#isClosed) return;
    this.#loading ??= this.#near
      .loadAhead(this.now(), (operation) => this.#commit.change(justWrite(operation)))
      .catch((error: unknown) => this.#log.warn('agenda_not_loaded', { reason: String(error) }))
      .finally(() => (this.#loading = undefined));
  }

  get #ending(): Ending {
    return { now: this.now(), statusKeepSeconds: this.#statusKeepSeconds };
  }
}

const justWrite = (operation: (batch: WriteBatch) => void): Change<undefined> => ({
  apply: (view) => {
    view.also(operation);
    return () => undefined;
  },
});

/** The doors refuse such keys; here one would be mistaken for part of another entry. */
function requireStorableKey(key: string): void {
  if (key === '' || key.includes('\0')) throw new TypeError(`${quote(key)} is no key of a plan`);
}
