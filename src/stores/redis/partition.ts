import { ForsunError, planNotStored } from '../../core/errors.ts';
import type { Buckets } from '../../metrics/buckets.ts';
import type { Cancel, Clock } from '../../core/time.ts';
import { RedisView, type ViewOptions, type Write } from './redis-view.ts';
import {
  RedisAway,
  type ScriptAnswer,
  type ScriptArgument,
  type ScriptRunner,
} from './script-runner.ts';
import type { ScriptName } from './scripts.ts';

/** What became of a change of one plan: done, in conflict with another's, without a lease, or refused. */
type Letter = 'k' | 'c' | 'l' | 'e';

/** Keys of which nothing was written, and why. */
export type Unwritten = ReadonlyMap<string, Letter>;

/** A change: reads plans, changes them in one go, and is answered once that is written. */
export interface Change<T> {
  /** Looks around and adds what it finds to the view. Such a change stands in a group of its own. */
  readonly look?: (view: RedisView) => Promise<void>;
  /** Plans it reads, when it need not look. */
  readonly reads?: readonly string[];
  /** It makes a plan, and so takes a generation. What it reads is most likely not there. */
  readonly makesPlan?: boolean;
  /** It is written only while the session holds its lease. */
  readonly needsLease: boolean;
  /** What it throws, its caller gets, and nothing of it is written. */
  apply(view: RedisView): Answer<T>;
}

/** Told to the caller once the change is written. Only a change that looks is told of plans that were not. */
export type Answer<T> = (unwritten: Unwritten) => T;

interface Queued {
  readonly change: Change<unknown>;
  readonly deadlineMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  isSettled: boolean;
  /** Its plan was taken to be absent, and is there. */
  isSurprised: boolean;
}

interface Applied {
  readonly queued: Queued;
  readonly keys: readonly string[];
  readonly answer: Answer<unknown>;
}

export interface PartitionOptions extends Omit<ViewOptions, 'session'> {
  readonly base: string;
  /** This one and how many there are: no two give out the same generation. */
  readonly index: number;
  readonly partitions: number;
  readonly runner: ScriptRunner;
  readonly clock: Clock;
  readonly failuresKept: number;
  /** Told how long each write took, in seconds. */
  readonly commitTimes?: Buckets;
  /** A change that is not written within this is refused. */
  readonly patienceMs: number;
  /** The session as it is now. */
  readonly session: () => string;
  readonly onLeaseLost: () => void;
  /** What became of a write that had claims in it is not known. */
  readonly onClaimsUnknown: () => void;
}

const maxChanges = 128;
const maxWriteBytes = 256 * 1024;
/** Groups that read what they make, after one that found a plan in its place. */
const waryGroups = 16;
const sweepMs = 250;
const againMs = 50;

/**
 * Changes plans of one partition in groups: one group is in the air, what arrives meanwhile shares the
 * next. Plans are read, changed here, and written by a script that refuses each one whose record another
 * node has changed since: that change is made anew. The order of calls is the order of effects.
 *
 *   enqueue ─▶ queue ─▶ group: look or read, apply one by one, write ─▶ answers
 */
export class RedisPartition {
  readonly #options: PartitionOptions;
  #queue: Queued[] = [];
  #group: readonly Queued[] = [];
  #running: Promise<void> | undefined;
  #sweep: Cancel | undefined;
  #writes = 0;
  #waryLeft = 0;
  #planCount = 0;

  constructor(options: PartitionOptions) {
    this.#options = options;
  }

  /** Plans in it, as the newest answer told. */
  get planCount(): number {
    return this.#planCount;
  }

  change<T>(change: Change<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({
        change,
        deadlineMs: this.#options.clock.monotonicMs() + this.#options.patienceMs,
        resolve: resolve as (value: unknown) => void,
        reject,
        isSettled: false,
        isSurprised: false,
      });
      this.#running ??= this.#run();
      this.#sweep ??= this.#sweepLater();
    });
  }

  /** Asks without changing a plan; rejects with plan_not_stored when Redis does not answer in time. */
  readonly ask = async (
    name: ScriptName,
    args: readonly ScriptArgument[] = [],
  ): Promise<readonly unknown[]> => {
    const { clock, patienceMs } = this.#options;
    const deadlineMs = clock.monotonicMs() + patienceMs;
    return (await this.#untilAnswered(name, args, () => clock.monotonicMs() < deadlineMs)).rest;
  };

  /** Resolves once everything called so far has been answered. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // All that arrives in one turn of the loop shares the first group.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      this.#group = this.#takeGroup();
      await this.#commit(this.#group.filter(({ isSettled }) => !isSettled));
    }
    this.#group = [];
    this.#running = undefined;
  }

  #takeGroup(): readonly Queued[] {
    const looks = this.#queue.findIndex(({ change }) => change.look !== undefined);
    const count = looks < 0 ? maxChanges : Math.max(1, Math.min(looks, maxChanges));
    return this.#queue.splice(0, count);
  }

  async #commit(group: readonly Queued[]): Promise<void> {
    if (group.length === 0) return;
    const isWanted = (): boolean => group.some(({ isSettled }) => !isSettled);
    let isWriting = false;
    try {
      const view = await this.#read(group, isWanted);
      const applied = group.flatMap((queued) => this.#apply(queued, view) ?? []);
      isWriting = true;
      const unwritten = await this.#write(view.writes(), isWanted);
      this.#answer(applied, unwritten);
    } catch (error) {
      if (isWriting && group.some(({ change }) => change.look !== undefined)) {
        this.#options.onClaimsUnknown();
      }
      const refusal = notStored(error);
      for (const queued of group) settle(queued, () => queued.reject(refusal));
    }
  }

  async #read(group: readonly Queued[], isWanted: () => boolean): Promise<RedisView> {
    const { policy, session, index, partitions } = this.#options;
    let generation: number | string = 0;
    const view = new RedisView({ policy, session: session() }, () => {
      if (typeof generation === 'string') throw planNotStored(`Redis refused it: ${generation}`);
      return generation++ * partitions + index;
    });
    for (const { change } of group) await change.look?.(view);
    const { keys, absent } = this.#keysOf(group);
    if (keys.length + absent.length === 0) return view;
    const made = group.filter(({ change }) => change.makesPlan === true).length;
    const { rest } = await this.#untilAnswered('read', [made, ...keys], isWanted);
    const [first, records] = rest as [Buffer | number, readonly (Buffer | null)[]];
    generation = typeof first === 'number' ? first : String(first);
    for (const [at, key] of keys.entries()) view.add(key, records[at] ?? undefined);
    for (const key of absent) view.add(key, undefined);
    return view;
  }

  /** Keys to read, and those of plans that are made, taken to be absent: the write finds out if they are. */
  #keysOf(group: readonly Queued[]) {
    const isWary = this.#waryLeft > 0;
    if (isWary) this.#waryLeft -= 1;
    const keys = new Set<string>();
    const made = new Set<string>();
    for (const { change, isSurprised } of group) {
      const mustRead = isWary || isSurprised || change.makesPlan !== true;
      for (const key of change.reads ?? []) (mustRead ? keys : made).add(key);
    }
    return { keys: [...keys], absent: [...made].filter((key) => !keys.has(key)) };
  }

  #apply(queued: Queued, view: RedisView): Applied | undefined {
    try {
      const { change } = queued;
      const answer = change.apply(view);
      return { queued, keys: view.keep(change.needsLease), answer };
    } catch (error) {
      view.drop();
      settle(queued, () => queued.reject(error));
      return undefined;
    }
  }

  async #write(writes: readonly Write[], isWanted: () => boolean): Promise<Unwritten> {
    const { clock, commitTimes } = this.#options;
    const unwritten = new Map<string, Letter>();
    for (const piece of inPieces(writes)) {
      const args: ScriptArgument[] = [
        this.#options.session(),
        ++this.#writes,
        this.#options.failuresKept,
      ];
      for (const { key, token, needsLease, record, failures } of piece) {
        args.push(key, token, needsLease ? 1 : 0, record, failures.length, ...failures);
      }
      const startMs = clock.monotonicMs();
      const { rest } = await this.#untilAnswered('write', args, isWanted);
      commitTimes?.observe((clock.monotonicMs() - startMs) / 1000);
      const [letters = '', ...why] = String(rest[0]).split(' ');
      for (const [at, { key }] of piece.entries()) {
        const letter = letters.charAt(at);
        if (letter === 'e' && passingRefusal.test(why.join(' '))) unwritten.set(key, 'e');
        else if (letter === 'e') throw new Error(`Redis refused it: ${why.join(' ')}`);
        else if (letter !== 'k') unwritten.set(key, letter as Letter);
      }
      if (letters.includes('l')) this.#options.onLeaseLost();
    }
    return unwritten;
  }

  #answer(applied: readonly Applied[], unwritten: Unwritten): void {
    const again: Queued[] = [];
    for (const { queued, keys, answer } of applied) {
      const letters = new Set(keys.flatMap((key) => unwritten.get(key) ?? []));
      if (queued.change.look === undefined && letters.has('c')) {
        queued.isSurprised = true;
        if (queued.change.makesPlan === true) this.#waryLeft = waryGroups;
        again.push(queued);
      } else if (queued.change.look === undefined && letters.has('e')) {
        settle(queued, () => queued.reject(planNotStored('Redis has no room for it (maxmemory)')));
      } else settle(queued, () => queued.resolve(answer(unwritten)));
    }
    if (again.length > 0) this.#queue.unshift(...again);
  }

  /** Asks again while Redis is away and somebody waits. */
  async #untilAnswered(
    name: ScriptName,
    args: readonly ScriptArgument[],
    isWanted: () => boolean,
  ): Promise<ScriptAnswer> {
    const { runner, base } = this.#options;
    for (;;) {
      try {
        const answer = await runner.run(name, base, args);
        this.#planCount = answer.planCount;
        return answer;
      } catch (error) {
        if (!(error instanceof RedisAway) || !isWanted()) throw error;
      }
      await this.#nap(againMs);
    }
  }

  #nap(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(ms, resolve));
  }

  /** Refuses what has waited too long, while anything waits. */
  #sweepLater(): Cancel {
    return this.#options.clock.after(sweepMs, () => {
      const nowMs = this.#options.clock.monotonicMs();
      const waiting = [...this.#group, ...this.#queue];
      for (const queued of waiting) {
        if (queued.deadlineMs > nowMs) continue;
        settle(queued, () => queued.reject(planNotStored('Redis did not answer in time')));
      }
      this.#queue = this.#queue.filter(({ isSettled }) => !isSettled);
      const isIdle = this.#queue.length === 0 && this.#running === undefined;
      this.#sweep = isIdle ? undefined : this.#sweepLater();
    });
  }
}

/** A script's own command was refused for want of memory. */
const passingRefusal = /\bOOM\b/;

function settle(queued: Queued, how: () => void): void {
  if (queued.isSettled) return;
  queued.isSettled = true;
  how();
}

function* inPieces(writes: readonly Write[]): Generator<readonly Write[]> {
  let piece: Write[] = [];
  let bytes = 0;
  for (const write of writes) {
    const size = write.key.length + write.record.length;
    if (piece.length > 0 && (piece.length >= maxChanges || bytes + size > maxWriteBytes)) {
      yield piece;
      piece = [];
      bytes = 0;
    }
    piece.push(write);
    bytes += size;
  }
  if (piece.length > 0) yield piece;
}

const notStored = (error: unknown): ForsunError =>
  error instanceof ForsunError
    ? error
    : planNotStored(error instanceof Error ? error.message : String(error), error);
