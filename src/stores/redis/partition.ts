import { ForsunError, planNotStored } from '../../core/errors.ts';
import type { Buckets } from '../../metrics/buckets.ts';
import type { Cancel, Clock } from '../../core/time.ts';
import { type Needs, RedisView, type ViewOptions, type Write } from './redis-view.ts';
import {
  RedisAway,
  type ScriptAnswer,
  type ScriptArgument,
  type ScriptRunner,
} from './script-runner.ts';
import type { ScriptName } from './scripts.ts';

/** Why a plan was not written: another has changed it, the lease is lost, or what Redis said against it. */
export type Obstacle =
  | { readonly kind: 'conflict' }
  | { readonly kind: 'lease_lost' }
  | { readonly kind: 'refused'; readonly reason: string };

/** What became of the writes of a group. */
export interface Written {
  /** Keys of plans that were not written. */
  readonly unwritten: ReadonlyMap<string, Obstacle>;
  /** Some of it was written, or another has changed it: to look again may bring something else. */
  readonly hasMoved: boolean;
}

/** A change: reads plans, changes them in one go, and is answered once that is written. */
export interface Change<T> {
  /** Looks around and adds what it finds to the view. Such a change stands in a group of its own. */
  readonly look?: (view: RedisView) => Promise<void>;
  /** Plans it reads, when it need not look. */
  readonly reads?: readonly string[];
  /** It makes a plan, and so takes a generation. What it reads is most likely not there. */
  readonly makesPlan?: boolean;
  /** Without which it is not written. */
  readonly needs: Needs;
  /** What it throws, its caller gets, and nothing of it is written. */
  apply(view: RedisView): Answer<T>;
}

/** Told to the caller once the change is written. Only a change that looks is told of plans that were not. */
export type Answer<T> = (written: Written) => T;

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
  readonly onLeaseLost: (session: string) => void;
  /** What became of a write that had claims in it is not known. */
  readonly onClaimsUnknown: () => void;
}

/** More would hold Redis up for longer than 5 ms where keys come at random among a million. */
const maxChanges = 64;
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
  /** Of a write that was given up, and may yet reach Redis: its session. */
  #astray: string | undefined;
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
    // One and the same from the first read to the last write: what it has not read, it shall not write.
    const session = this.#options.session();
    try {
      if (this.#astray !== undefined) await this.#send(this.#astray, [], isWanted);
      const view = await this.#read(group, session, isWanted);
      const applied = group.flatMap((queued) => this.#apply(queued, view) ?? []);
      this.#answer(applied, await this.#write(view.writes(), session, isWanted));
    } catch (error) {
      const refusal = notStored(error);
      for (const queued of group) settle(queued, () => queued.reject(refusal));
      if (this.#astray !== undefined) this.#tellOfClaims(group);
    }
  }

  async #read(
    group: readonly Queued[],
    session: string,
    isWanted: () => boolean,
  ): Promise<RedisView> {
    const { policy, index, partitions } = this.#options;
    let generation: number | string = 0;
    const view = new RedisView({ policy, session }, () => {
      if (typeof generation === 'string') throw refused(generation);
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
      return { queued, keys: view.keep(change.needs), answer };
    } catch (error) {
      view.drop();
      settle(queued, () => queued.reject(error));
      return undefined;
    }
  }

  async #write(
    writes: readonly Write[],
    session: string,
    isWanted: () => boolean,
  ): Promise<Written> {
    const unwritten = new Map<string, Obstacle>();
    let hasMoved = false;
    for (const piece of inPieces(writes)) {
      const answered = await this.#send(session, piece, isWanted);
      for (const { write, obstacle } of answered) {
        hasMoved ||= obstacle === undefined || obstacle.kind === 'conflict';
        if (obstacle !== undefined && !write.isStray) unwritten.set(write.key, obstacle);
      }
      if (answered.some(({ obstacle }) => obstacle?.kind === 'lease_lost')) {
        this.#options.onLeaseLost(session);
      }
    }
    return { unwritten, hasMoved };
  }

  /** With none, it says that no write sent before may come later. */
  async #send(session: string, writes: readonly Write[], isWanted: () => boolean) {
    const { clock, commitTimes, failuresKept } = this.#options;
    const args: ScriptArgument[] = [session, ++this.#writes, failuresKept];
    for (const { key, token, needs, record, failures } of writes) {
      const letters = (needs.lease ? 'l' : '') + (needs.room ? 'r' : '');
      args.push(key, token, letters, record, failures.length, ...failures);
    }
    const startMs = clock.monotonicMs();
    this.#astray = session;
    const { rest } = await this.#untilAnswered('write', args, isWanted);
    this.#astray = undefined;
    commitTimes?.observe((clock.monotonicMs() - startMs) / 1000);
    return answeredOf(writes, String(rest[0]));
  }

  #answer(applied: readonly Applied[], written: Written): void {
    const again: Queued[] = [];
    for (const { queued, keys, answer } of applied) {
      if (queued.change.look !== undefined) {
        // What was claimed for somebody who waits no more, nobody has.
        if (queued.isSettled) this.#tellOfClaims([queued]);
        settle(queued, () => queued.resolve(answer(written)));
        continue;
      }
      const obstacles = keys.flatMap((key) => written.unwritten.get(key) ?? []);
      const refusal = obstacles.find(({ kind }) => kind === 'refused');
      if (refusal?.kind === 'refused') settle(queued, () => queued.reject(refused(refusal.reason)));
      else if (obstacles.length > 0 && !endsWithLease(queued, obstacles)) {
        queued.isSurprised = true;
        if (queued.change.makesPlan === true) this.#waryLeft = waryGroups;
        again.push(queued);
      } else settle(queued, () => queued.resolve(answer(written)));
    }
    this.#queue.unshift(...again.filter(({ isSettled }) => !isSettled));
  }

  #tellOfClaims(group: readonly Queued[]): void {
    if (group.some(({ change }) => change.look !== undefined)) this.#options.onClaimsUnknown();
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

const letterLeaseLost = 'l';
const letterDone = 'k';
const letterRefused = 'e';

/** What the script answered of each write. */
function answeredOf(writes: readonly Write[], text: string) {
  const lettersEnd = text.indexOf(' ');
  const reasons = text.slice(lettersEnd + 1).split('\n');
  return writes.map((write, at) => {
    const letter = text.slice(0, lettersEnd).charAt(at);
    return { write, obstacle: obstacleOf(letter, reasons) };
  });
}

/** Reasons come in the order of the letters that have one. */
function obstacleOf(letter: string, reasons: string[]): Obstacle | undefined {
  if (letter === letterDone) return undefined;
  if (letter === letterLeaseLost) return { kind: 'lease_lost' };
  if (letter === letterRefused) return { kind: 'refused', reason: reasons.shift() ?? '' };
  return { kind: 'conflict' };
}

/** What a session had in flight is not its own any more: with its lease such a change has become void. */
const endsWithLease = ({ change }: Queued, obstacles: readonly Obstacle[]): boolean =>
  change.needs.lease && obstacles.every(({ kind }) => kind === 'lease_lost');

const refused = (reason: string): ForsunError =>
  planNotStored(
    /\bOOM\b/.test(reason)
      ? `Redis is full, and takes no further plans (maxmemory): ${reason}`
      : `Redis refused it: ${reason}`,
  );

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
