import { ForsunError, planNotStored } from '../../core/errors.ts';
import type { StoredPlan } from '../stored-plan.ts';
import type { Counts } from './counts.ts';
import type { Database } from './database.ts';
import { planKey } from './keys.ts';
import { View } from './view.ts';

/** A change of the store: says which plans it reads, then changes them in one go. */
export interface Change<T> {
  /**
   * Looks around, once all that was called before is on disk and in memory, and answers what to read.
   * A change that looks is the first of its group, or stands behind others that look apart, as it does.
   */
  readonly look?: () => Promise<readonly string[]>;
  /** What it looks at is its own: such changes may follow one another in a group. */
  readonly looksApart?: boolean;
  /** Plans it reads, when it need not look. */
  readonly reads?: readonly string[];
  /** What it throws, its caller gets, and nothing of it is written. */
  apply(view: View): Answer<T>;
}

/** Told to the caller once the change is durable and memory follows it. */
export type Answer<T> = () => T;

/** What follows every group that has become durable. */
export interface Memory {
  find(key: string): StoredPlan | undefined;
  update(key: string, plan: StoredPlan | undefined): void;
  /** What is known of the disk may be wrong: look again. */
  forget(): void;
}

/** What the disk was found to hold after its database had failed. */
export interface Rebuilt {
  readonly counts: Counts;
  readonly change?: Change<unknown>;
}

interface Queued {
  readonly change: Change<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const maxChanges = 1024;

/**
 * Makes changes durable in groups: one batch is in the air, what arrives meanwhile shares the next. The
 * order of calls is the order of effects.
 *
 *   enqueue ─▶ queue ─▶ group: look, read all old plans at once, apply one by one, write ─▶ memory ─▶ answers
 */
export class GroupCommit {
  readonly #db: Database;
  readonly #memory: Memory;
  #counts: Counts;
  #queue: Queued[] = [];
  #running: Promise<void> | undefined;
  #rebuild: (() => Promise<Rebuilt>) | undefined;

  constructor(db: Database, memory: Memory, counts: Counts) {
    this.#db = db;
    this.#memory = memory;
    this.#counts = counts;
  }

  get counts(): Counts {
    return this.#counts;
  }

  change<T>(change: Change<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ change, resolve: resolve as (value: unknown) => void, reject });
      this.#running ??= this.#run();
    });
  }

  /** Does this before the next group; the change it answers goes ahead of all others. */
  rebuildFirst(rebuild: () => Promise<Rebuilt>): void {
    this.#rebuild = rebuild;
  }

  /** Resolves once everything called so far has been answered. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // All that arrives in one turn of the loop shares the first group.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) await this.#commit(this.#takeGroup());
    this.#running = undefined;
  }

  #takeGroup(): Queued[] {
    const apart = this.#queue.findIndex(({ change }) => change.looksApart !== true);
    const first = Math.max(1, apart < 0 ? this.#queue.length : apart);
    const looks = this.#queue.findIndex(
      ({ change }, at) => at >= first && change.look !== undefined,
    );
    return this.#queue.splice(0, Math.min(looks < 0 ? maxChanges : looks, maxChanges));
  }

  async #commit(group: readonly Queued[]): Promise<void> {
    const answers: (() => void)[] = [];
    try {
      const view = await this.#applied(group, answers);
      // Also when the write fails: its generations may be on disk.
      this.#counts = { plans: this.#counts.plans, generation: view.counts.generation };
      if (!view.isEmpty) await this.#db.write((batch) => view.writeTo(batch));
      this.#counts = view.counts;
      for (const [key, plan] of view.changed()) this.#memory.update(key, plan);
    } catch (error) {
      this.#memory.forget();
      const refusal = notStored(error);
      for (const { reject } of group) reject(refusal);
      return;
    }
    for (const answer of answers) answer();
  }

  async #applied(group: readonly Queued[], answers: (() => void)[]): Promise<View> {
    for (;;) {
      const ahead = await this.#rebuilt();
      const view = new View(this.#counts);
      await this.#read([...ahead, ...group.map(({ change }) => change)], view);
      if (this.#rebuild !== undefined) continue; // the database was opened anew meanwhile
      for (const change of ahead) {
        change.apply(view);
        view.keep();
      }
      for (const queued of group) answers.push(this.#apply(queued, view));
      return view;
    }
  }

  async #rebuilt(): Promise<readonly Change<unknown>[]> {
    const rebuild = this.#rebuild;
    if (rebuild === undefined) return [];
    this.#rebuild = undefined;
    try {
      const { counts, change } = await rebuild();
      const generation = Math.max(counts.generation, this.#counts.generation);
      this.#counts = { plans: counts.plans, generation };
      return change === undefined ? [] : [change];
    } catch (error) {
      this.#rebuild ??= rebuild;
      throw error;
    }
  }

  async #read(changes: readonly Change<unknown>[], view: View): Promise<void> {
    const unknown = new Set<string>();
    for (const change of changes) {
      for (const key of (await change.look?.()) ?? change.reads ?? []) {
        if (view.knows(key)) continue;
        const plan = this.#memory.find(key);
        if (plan === undefined) unknown.add(key);
        else view.addPlan(plan);
      }
    }
    if (unknown.size === 0) return;
    const keys = [...unknown];
    const records = await this.#db.getMany(keys.map(planKey));
    for (const [index, key] of keys.entries()) view.addRecord(key, records[index]);
  }

  #apply({ change, resolve, reject }: Queued, view: View): () => void {
    try {
      const answer = change.apply(view);
      view.keep();
      return () => resolve(answer());
    } catch (error) {
      view.drop();
      if (change.look !== undefined) this.#memory.forget();
      return () => reject(error);
    }
  }
}

const notStored = (error: unknown): ForsunError =>
  error instanceof ForsunError && error.code === 'plan_not_stored'
    ? error
    : planNotStored('the store could not be read or written', error);
