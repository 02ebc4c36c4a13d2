import { ByteWriter } from '../bytes.ts';
import { decodeRecord, encodeRecord, UnreadableRecord } from '../record.ts';
import type { PlanView } from '../plan-view.ts';
import type { StoredPlan } from '../stored-plan.ts';
import { type Counts, encodeCounts } from './counts.ts';
import type { WriteBatch } from './database.ts';
import { countsKey, indexKeys, planKey } from './keys.ts';

/** One plan as a group of changes finds it, and as it leaves it. */
interface Seen {
  readonly before: StoredPlan | undefined;
  /** There was a record, but it cannot be read. */
  readonly unreadable?: UnreadableRecord;
  after: StoredPlan | undefined;
  /** Of `after`, once it is changed. */
  record?: Buffer | undefined;
  isChanged: boolean;
}

interface Staged {
  readonly plan: StoredPlan | undefined;
  readonly record: Buffer | undefined;
}

/**
 * The plans that a group of changes reads, and what the group makes of them: a later change sees what an
 * earlier one did. Each change is applied as a whole or, when it throws, not at all.
 */
export class View implements PlanView {
  readonly #seen = new Map<string, Seen>();
  readonly #staged = new Map<string, Staged>();
  readonly #stagedOperations: ((batch: WriteBatch) => void)[] = [];
  readonly #operations: ((batch: WriteBatch) => void)[] = [];
  readonly #countsBefore: Counts;
  #generation: number;

  constructor(counts: Counts) {
    this.#countsBefore = counts;
    this.#generation = counts.generation;
  }

  knows(key: string): boolean {
    return this.#seen.has(key);
  }

  /** A plan as memory knows it. */
  addPlan(plan: StoredPlan): void {
    this.#seen.set(plan.key, { before: plan, after: plan, isChanged: false });
  }

  /** What was read from disk under the key. */
  addRecord(key: string, record: Buffer | undefined): void {
    this.#seen.set(key, seenRecord(key, record));
  }

  /** Throws UnreadableRecord. */
  plan(key: string): StoredPlan | undefined {
    const staged = this.#staged.get(key);
    if (staged !== undefined) return staged.plan;
    const seen = this.#seenOf(key);
    if (seen.unreadable !== undefined && !seen.isChanged) throw seen.unreadable;
    return seen.after;
  }

  /** There is a record under the key, and it cannot be read. */
  isUnreadable(key: string): boolean {
    const { unreadable, isChanged } = this.#seenOf(key);
    return unreadable !== undefined && !isChanged && !this.#staged.has(key);
  }

  /** The newest generation that any plan has had. */
  get newestGeneration(): number {
    return this.#generation;
  }

  /** The plan is now so, or gone. Encoded at once, so that one that cannot be harms no other change. */
  set(key: string, plan: StoredPlan | undefined): void {
    this.#seenOf(key);
    this.#staged.set(key, { plan, record: plan && encodeRecord(plan) });
  }

  nextGeneration(): number {
    return ++this.#generation;
  }

  /** Something to be written that is no plan's. */
  also(operation: (batch: WriteBatch) => void): void {
    this.#stagedOperations.push(operation);
  }

  /** What was done since the last one stays. */
  keep(): void {
    for (const [key, { plan, record }] of this.#staged) {
      const seen = this.#seenOf(key);
      seen.after = plan;
      seen.record = record;
      seen.isChanged = true;
    }
    this.#operations.push(...this.#stagedOperations);
    this.drop();
  }

  /** What was done since the last keep is undone. */
  drop(): void {
    this.#staged.clear();
    this.#stagedOperations.length = 0;
  }

  get isEmpty(): boolean {
    if (this.#operations.length > 0) return false;
    for (const seen of this.#seen.values()) if (seen.isChanged) return false;
    return true;
  }

  /** Counts as they are once this is written. */
  get counts(): Counts {
    let { plans } = this.#countsBefore;
    for (const { before, unreadable, after, isChanged } of this.#seen.values()) {
      if (!isChanged) continue;
      if (before !== undefined || unreadable !== undefined) plans--;
      if (after !== undefined) plans++;
    }
    return { plans, generation: this.#generation };
  }

  *changed(): Generator<readonly [key: string, plan: StoredPlan | undefined]> {
    for (const [key, { after, isChanged }] of this.#seen) if (isChanged) yield [key, after];
  }

  writeTo(batch: WriteBatch): void {
    // First, so that what a plan has now stays whatever else is taken away.
    for (const operation of this.#operations) operation(batch);
    for (const [key, { before, unreadable, after, record, isChanged }] of this.#seen) {
      if (!isChanged) continue;
      if (record !== undefined) batch.put(planKey(key), record);
      else if (before !== undefined || unreadable !== undefined) batch.del(planKey(key));
      writeIndexes(before, after, batch);
    }
    const counts = this.counts;
    const { plans, generation } = this.#countsBefore;
    if (counts.plans !== plans || counts.generation !== generation) {
      batch.put(countsKey, encodeCounts(counts));
    }
  }

  #seenOf(key: string): Seen {
    const seen = this.#seen.get(key);
    if (seen === undefined) throw new TypeError(`a change did not say that it reads ${key}`);
    return seen;
  }
}

function seenRecord(key: string, record: Buffer | undefined): Seen {
  if (record === undefined) return { before: undefined, after: undefined, isChanged: false };
  try {
    const plan = decodeRecord(key, record);
    return { before: plan, after: plan, isChanged: false };
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    return { before: undefined, unreadable: error, after: undefined, isChanged: false };
  }
}

const generations = new ByteWriter();

function writeIndexes(
  before: StoredPlan | undefined,
  after: StoredPlan | undefined,
  batch: WriteBatch,
): void {
  const old = before === undefined ? [] : indexKeys(before);
  const now = after === undefined ? [] : indexKeys(after);
  for (const key of old) if (!now.some((kept) => kept.equals(key))) batch.del(key);
  if (after === undefined || now.length === 0) return;
  const isSameGeneration = before?.generation === after.generation;
  generations.varint(after.generation);
  const value = generations.take();
  for (const key of now) {
    if (!isSameGeneration || !old.some((kept) => kept.equals(key))) batch.put(key, value);
  }
}
