import { ForsunError, planNotStored } from '../../core/errors.ts';
import type { Firing } from '../../core/firing.ts';
import type { Log } from '../../core/log.ts';
import type { Plan, PlanDraft } from '../../core/plan.ts';
import { addSeconds, type Clock, type UnixSeconds } from '../../core/time.ts';
import { decodeRecord, UnreadableRecord } from '../record.ts';
import type { Claim, ClaimResult, ClaimRoom, Recovery, Settlement, Store } from '../store.ts';
import type { StoredPlan } from '../stored-plan.ts';
import { ClaimDue, put } from './claim.ts';
import { type Counts, decodeCounts, encodeCounts } from './counts.ts';
import { type Database, type DatabaseOptions, openDatabase, type WriteBatch } from './database.ts';
import { type Change, GroupCommit } from './group-commit.ts';
import {
  agendaEntryOf,
  countsKey,
  endMarks,
  keyAfter,
  keyOfPlanKey,
  planKey,
  planKeyRange,
  rangeOf,
  secondKey,
} from './keys.ts';
import { type Ending, firingOf, settled, unfinishedAt } from './life.ts';
import { StoreMemory, Unclaimable } from './memory.ts';
import { NearAgenda } from './near-agenda.ts';
import { ClaimParked, parkedOrigins, ParkedStarts } from './parked.ts';
import { inFlightKeys, recover } from './recovery.ts';
import type { View } from './view.ts';

export interface LevelStoreOptions extends Omit<DatabaseOptions, 'onReopened'> {
  /** How long a plan that has ended stays, for its status; 0: it is gone at once. */
  readonly statusKeepSeconds: number;
  /** Spreads re-claims after a crash: from 0 to 1, exclusive. */
  readonly random: () => number;
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

/** Opens the store in that directory, and puts what the process before left in flight on the agenda. */
export async function openLevelStore(options: LevelStoreOptions): Promise<Store> {
  const { clock, log, statusKeepSeconds, random } = options;
  let store: LevelStore | undefined;
  const onReopened = async (): Promise<void> => store?.onReopened();
  const db = await openDatabase({ ...options, onReopened });
  try {
    const ending = { now: clock.now(), statusKeepSeconds };
    const { recovery, counts } = await recover(db, await readCounts(db), { log, ending, random });
    return (store = new LevelStore(db, counts, recovery, options));
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function readCounts(db: Database): Promise<Counts> {
  const [bytes] = await db.getMany([countsKey]);
  if (bytes !== undefined) return decodeCounts(bytes);
  return startCounts(db);
}

/** Makes an empty store ready for its first change. */
async function startCounts(db: Database): Promise<Counts> {
  const { start, end } = rangeOf('plan');
  const plans = await db.keys({ gte: start, lt: end, limit: 1 });
  if (plans.length > 0) {
    throw new ForsunError('unknown', 'the store has plans but no counts: run forsund check');
  }
  const counts = { plans: 0, generation: 0 };
  await db.write((batch) => {
    batch.put(countsKey, encodeCounts(counts));
    for (const mark of endMarks) batch.put(mark, Buffer.alloc(0));
  });
  return counts;
}

class LevelStore implements Store {
  readonly recovery: Recovery;
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #statusKeepSeconds: number;
  readonly #near: NearAgenda;
  readonly #parkedStarts = new ParkedStarts();
  readonly #memory: StoreMemory;
  readonly #commit: GroupCommit;
  readonly #unclaimable: Unclaimable;
  #loading: Promise<void> | undefined;
  #isClosed = false;

  constructor(db: Database, counts: Counts, recovery: Recovery, options: LevelStoreOptions) {
    this.recovery = recovery;
    this.#db = db;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#statusKeepSeconds = options.statusKeepSeconds;
    this.#unclaimable = new Unclaimable(options.log);
    const bounds = options.nearAgenda ?? defaultBounds;
    this.#near = new NearAgenda(db, {
      bounds,
      horizonSeconds: bounds.horizonSeconds,
      onUnreadable: (error) => this.#unclaimable.report(error.key, error),
    });
    this.#memory = new StoreMemory(this.#near, this.#parkedStarts);
    this.#commit = new GroupCommit(db, this.#memory, counts);
  }

  now(): UnixSeconds {
    return this.#clock.now();
  }

  put(draft: PlanDraft, firstFireTime: UnixSeconds): Promise<Plan> {
    const { key, schedule, count, action, params } = draft;
    const createdTime = this.now();
    return this.#commit.change({
      reads: [key],
      apply: (view) => {
        if (this.#db.isFull) throw planNotStored('the disk is full, so no plan is taken in');
        const plan: StoredPlan = {
          key,
          schedule,
          count,
          action,
          params,
          generation: view.nextGeneration(),
          createdTime,
          nextFireTime: firstFireTime,
          firedCount: 0,
          status: 0,
          unfinished: [],
        };
        view.set(plan);
        return () => plan;
      },
    });
  }

  remove(key: string): Promise<Plan | undefined> {
    return this.#commit.change({
      reads: [key],
      apply: (view) => {
        const plan = view.plan(key);
        if (plan !== undefined) view.remove(key);
        return () => plan;
      },
    });
  }

  async get(key: string): Promise<Plan | undefined> {
    const [record] = await this.#db.getMany([planKey(key)]);
    return record && decodeRecord(key, record);
  }

  getMany(keys: readonly string[]): Promise<readonly Plan[]> {
    return this.#readMany(keys);
  }

  async keys(prefix: string, limit: number): Promise<readonly string[]> {
    const keys = await this.#db.keys({ ...planKeyRange(prefix), limit });
    return keys.map(keyOfPlanKey);
  }

  async dueAt(second: UnixSeconds, limit: number): Promise<readonly Plan[]> {
    const plans: Plan[] = [];
    const end = secondKey('agenda', addSeconds(second, 1));
    for (let from = secondKey('agenda', second); plans.length < limit;) {
      const found = await this.#db.keys({ gte: from, lt: end, limit: limit - plans.length });
      const last = found.at(-1);
      if (last === undefined) break;
      from = keyAfter(last);
      const keys = found.flatMap((bytes) => agendaEntryOf(bytes)?.key ?? []);
      const due = (await this.getMany(keys)).filter((plan) => plan.nextFireTime === second);
      plans.push(...due);
    }
    return plans;
  }

  planCount(): number {
    return this.#commit.counts.plans;
  }

  async claim(until: UnixSeconds, room: ClaimRoom): Promise<ClaimResult> {
    const result = await this.#commit.change(
      new ClaimDue(this.#near, until, room, {
        statusKeepSeconds: this.#statusKeepSeconds,
        onUnclaimable: (key, error) => this.#unclaimable.report(key, error),
      }),
    );
    this.#loadAhead();
    return result;
  }

  claimParked(origin: string, limit: number): Promise<readonly Claim[]> {
    return this.#commit.change(
      new ClaimParked(this.#db, this.#parkedStarts, { origin, limit }, (key, error) =>
        this.#unclaimable.report(key, error),
      ),
    );
  }

  parkedOrigins(after: string | undefined, limit: number): Promise<readonly string[]> {
    return parkedOrigins(this.#db, after, limit);
  }

  settle(firing: Firing, settlement: Settlement): Promise<void> {
    const ending = this.#ending;
    return this.#commit.change<undefined>({
      reads: [firing.key],
      apply: (view) => {
        settle(view, firing, settlement, ending);
        return () => undefined;
      },
    });
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
    this.#commit.rebuildFirst(() => this.#rebuild());
  }

  /** Releases what is in flight on disk but was never handed out, for its claim was refused. */
  async #rebuild(): Promise<Change<unknown> | undefined> {
    this.#memory.forget();
    const handedOut = new Map<string, StoredPlan>();
    const stray: Firing[] = [];
    for await (const keys of inFlightKeys(this.#db)) {
      for (const plan of await this.#readMany(keys)) {
        for (const firing of plan.unfinished) {
          if (firing.state.kind !== 'in_flight') continue;
          if (this.#memory.isHandedOut(plan, firing.fireTime)) handedOut.set(plan.key, plan);
          else stray.push(firingOf(plan, firing));
        }
      }
    }
    this.#memory.keepInFlight(handedOut);
    if (stray.length === 0) return undefined;
    return {
      reads: stray.map(({ key }) => key),
      apply: (view) => {
        for (const firing of stray) settle(view, firing, { kind: 'released' }, this.#ending);
        return () => undefined;
      },
    };
  }

  #loadAhead(): void {
    if (this.#isClosed) return;
    this.#loading ??= this.#near
      .loadAhead(this.now(), (operation) => this.#commit.change(justWrite(operation)))
      .catch((error: unknown) => this.#log.warn('agenda_not_loaded', { reason: String(error) }))
      .finally(() => (this.#loading = undefined));
  }

  async #readMany(keys: readonly string[]): Promise<readonly StoredPlan[]> {
    const records = await this.#db.getMany(keys.map(planKey));
    return keys.flatMap((key, index) => this.#readable(key, records[index]) ?? []);
  }

  #readable(key: string, record: Buffer | undefined): StoredPlan | undefined {
    if (record === undefined) return undefined;
    try {
      return decodeRecord(key, record);
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error;
      this.#unclaimable.report(key, error);
      return undefined;
    }
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

/** Does nothing when that firing, at that attempt, is not in flight any more. */
function settle(view: View, firing: Firing, settlement: Settlement, ending: Ending): void {
  const plan = view.plan(firing.key);
  const ours = plan && unfinishedAt(plan, firing.fireTime, 'in_flight');
  if (plan?.generation !== firing.generation || ours?.attempt !== firing.attempt) return;
  put(view, firing.key, settled(plan, ours, settlement, ending));
}
