import type { Failure } from '../../core/failure.ts';
import type { FiringName } from '../../core/firing.ts';
import type { Policy } from '../../core/policy.ts';
import { encodeFailure } from '../failure-entry.ts';
import type { PlanView } from '../plan-view.ts';
import { UnreadableRecord } from '../record.ts';
import type { StoredPlan } from '../stored-plan.ts';
import { firingText } from './keys.ts';
import { absentToken, decodeHeld, encodeHeld, type Holders, tokenOf } from './redis-record.ts';

/** Without which a change is not written. */
export interface Needs {
  /** The session holds its lease. */
  readonly lease: boolean;
  /** Redis is not full: what takes memory for good waits until it is not. */
  readonly room: boolean;
}

/** One plan as a group of changes finds it, and as it leaves it. */
interface Seen {
  readonly token: Buffer;
  unreadable: UnreadableRecord | undefined;
  holders: Holders;
  plan: StoredPlan | undefined;
  isChanged: boolean;
  needs: Needs;
  /** What changed it last wrote this; undefined: it is gone. */
  encoded: Buffer | undefined;
  readonly failures: Buffer[];
}

/** What a script is to write, if the record is still the one that was read. */
export interface Write {
  readonly key: string;
  readonly token: Buffer;
  readonly needs: Needs;
  readonly record: Buffer;
  readonly failures: readonly Buffer[];
  /** It takes an entry out of an index, and leaves the plan alone. */
  readonly isStray: boolean;
}

const nothing: Needs = { lease: false, room: false };
const gone = Buffer.alloc(0);
const noHolders: Holders = new Map();

export interface ViewOptions {
  /** Of plans whose params say nothing else. */
  readonly policy: Policy;
  /** Whose are the firings that are taken in flight. */
  readonly session: string;
}

/** The plans that a group of changes reads, and what the group makes of them. */
export class RedisView implements PlanView {
  readonly #options: ViewOptions;
  readonly #seen = new Map<string, Seen>();
  readonly #strays: Write[] = [];
  #staged = new Map<string, StoredPlan | undefined>();
  #stagedFailures: Failure[] = [];
  #nextGeneration: () => number;

  constructor(options: ViewOptions, nextGeneration: () => number) {
    this.#options = options;
    this.#nextGeneration = nextGeneration;
  }

  /** What was read under the key. */
  add(key: string, record: Buffer | undefined): void {
    const seen: Seen = {
      token: tokenOf(record),
      unreadable: undefined,
      holders: noHolders,
      plan: undefined,
      isChanged: false,
      needs: nothing,
      encoded: undefined,
      failures: [],
    };
    this.#seen.set(key, seen);
    if (record === undefined) return;
    try {
      const { plan, holders } = decodeHeld(key, record);
      seen.plan = plan;
      seen.holders = holders;
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error;
      seen.unreadable = error;
    }
  }

  knows(key: string): boolean {
    return this.#seen.has(key);
  }

  plan(key: string): StoredPlan | undefined {
    if (this.#staged.has(key)) return this.#staged.get(key);
    const { plan, unreadable, isChanged } = this.#seenOf(key);
    if (unreadable !== undefined && !isChanged) throw unreadable;
    return plan;
  }

  /** Of the plan that was read, if there is one. */
  generationOf(key: string): number | undefined {
    return this.#seenOf(key).plan?.generation;
  }

  isUnreadable(key: string): boolean {
    const { unreadable, isChanged } = this.#seenOf(key);
    return unreadable !== undefined && !isChanged && !this.#staged.has(key);
  }

  /** Under which all of the group is read and written. */
  get session(): string {
    return this.#options.session;
  }

  /** The session that has the firing in flight, as it was read. */
  holderOf(key: string, firing: FiringName): string | undefined {
    return this.#seenOf(key).holders.get(firingText(firing));
  }

  /** The change that is being applied has set it. */
  isStaged(key: string): boolean {
    return this.#staged.has(key);
  }

  set(key: string, plan: StoredPlan | undefined): void {
    this.#seenOf(key);
    this.#staged.set(key, plan);
  }

  nextGeneration(): number {
    return this.#nextGeneration();
  }

  addFailure(failure: Failure): void {
    this.#stagedFailures.push(failure);
  }

  /** Takes the member out of the tree, if the record under the key is still the one that was read. */
  dropStray(key: string, tree: string, member: string): void {
    const { token } = this.#seenOf(key);
    const record = Buffer.from(`\x01${tree}\0${member}`);
    this.#strays.push({ key, token, needs: nothing, record, failures: [], isStray: true });
  }

  /** What was done since the last one stays; answers the keys. Encodes, so it may throw. */
  keep(needs: Needs): readonly string[] {
    const staged = [...this.#staged];
    const encoded = staged.map(([key, plan]) => plan && this.#encoded(key, plan));
    for (const [at, [key, plan]] of staged.entries()) {
      const seen = this.#seenOf(key);
      seen.plan = plan;
      seen.encoded = encoded[at];
      seen.isChanged = true;
      seen.needs = {
        lease: seen.needs.lease || needs.lease,
        room: seen.needs.room || needs.room,
      };
    }
    for (const failure of this.#stagedFailures) {
      this.#seenOf(failure.key).failures.push(encodeFailure(failure));
    }
    this.drop();
    return staged.map(([key]) => key);
  }

  /** What was done since the last keep is undone. */
  drop(): void {
    this.#staged = new Map();
    this.#stagedFailures = [];
  }

  writes(): readonly Write[] {
    const writes: Write[] = [];
    for (const [key, seen] of this.#seen) {
      const { isChanged, token, needs, encoded, failures } = seen;
      if (!isChanged || (encoded === undefined && token === absentToken)) continue;
      writes.push({ key, token, needs, record: encoded ?? gone, failures, isStray: false });
    }
    return [...writes, ...this.#strays];
  }

  /** Who holds a firing in flight keeps it; what is newly in flight is ours. */
  #encoded(key: string, plan: StoredPlan): Buffer {
    const { plan: before, holders: old } = this.#seenOf(key);
    const kept = before?.generation === plan.generation ? old : noHolders;
    const holders = new Map<string, string>();
    for (const firing of plan.unfinished) {
      if (firing.state.kind !== 'in_flight') continue;
      const name = firingText(firing);
      holders.set(name, kept.get(name) ?? this.#options.session);
    }
    return encodeHeld(plan, holders, this.#options.policy);
  }

  #seenOf(key: string): Seen {
    const seen = this.#seen.get(key);
    if (seen === undefined) throw new TypeError(`a change did not say that it reads ${key}`);
    return seen;
  }
}
