import { ForsunError, planNotStored } from '../../core/errors.ts';
import type { Cancel } from '../../core/time.ts';
import type { Answer, Change, Obstacle, Written } from './change.ts';
import { Generations, type GenerationsOptions } from './generations.ts';
import { PartitionScripts, type PartitionScriptsOptions } from './partition-scripts.ts';
import { maxWrites, PartitionWriter, type PartitionWriterOptions } from './partition-writer.ts';
import { readRecords } from './read-records.ts';
import { RedisView, type ViewOptions } from './redis-view.ts';
import { RedisAway, type ScriptArgument } from './script-runner.ts';
import type { ScriptName } from './scripts.ts';
import type { Session } from './session.ts';

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

export interface PartitionOptions
  extends
    Omit<ViewOptions, 'session'>,
    Omit<PartitionScriptsOptions, 'base'>,
    Omit<PartitionWriterOptions, 'scripts' | 'onLeaseLost'>,
    Omit<GenerationsOptions, 'scripts'> {
  readonly session: Pick<Session, 'id' | 'base' | 'lost'>;
  /** A change that is not written within this is refused. */
  readonly patienceMs: number;
  /** What became of a write that had claims in it is not known. */
  readonly onClaimsUnknown: () => void;
}

/** Groups that read what they make, after one that found a plan in its place. */
const waryGroups = 16;
const sweepMs = 250;
/** A group that is in the air for longer is not answered: nobody who can do without it waits behind it. */
const stuckMs = 1_000;

/**
 * Changes plans of one partition in groups: one group is in the air, what arrives meanwhile shares the
 * next. Plans are read, changed here, and written by a script that refuses each one whose record another
 * node has changed since: that change is made anew. The order of calls is the order of effects.
 *
 *   enqueue ─▶ queue ─▶ group: look or read, apply one by one, write ─▶ answers
 */
export class RedisPartition {
  readonly #options: PartitionOptions;
  readonly #scripts: PartitionScripts;
  readonly #writer: PartitionWriter;
  readonly #generations: Generations;
  #queue: Queued[] = [];
  #group: readonly Queued[] = [];
  #groupStartMs = 0;
  #running: Promise<void> | undefined;
  #sweep: Cancel | undefined;
  #waryLeft = 0;

  constructor(options: PartitionOptions) {
    this.#options = options;
    const { session } = options;
    const scripts = (this.#scripts = new PartitionScripts({ ...options, base: session.base }));
    const onLeaseLost = (id: string): void => session.lost(id);
    this.#writer = new PartitionWriter({ ...options, scripts, onLeaseLost });
    this.#generations = new Generations({ ...options, scripts });
  }

  /** Plans in it, as the newest answer told. */
  get planCount(): number {
    return this.#scripts.planCount;
  }

  get index(): number {
    return this.#options.index;
  }

  /** Under which this node holds what it claims here now. */
  get session(): string {
    return this.#options.session.id;
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

  /** Asks without changing a plan; rejects with plan_not_stored when Redis refuses, or does not answer in time. */
  readonly ask = async (
    name: ScriptName,
    args: readonly ScriptArgument[] = [],
    patienceMs = this.#options.patienceMs,
  ): Promise<readonly unknown[]> => {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + patienceMs;
    const isWanted = (): boolean => clock.monotonicMs() < deadlineMs;
    try {
      return await this.#scripts.run(name, args, isWanted, patienceMs);
    } catch (error) {
      throw notStored(error);
    }
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
      this.#groupStartMs = this.#options.clock.monotonicMs();
      await this.#commit(this.#group.filter(({ isSettled }) => !isSettled));
    }
    this.#group = [];
    this.#running = undefined;
  }

  #takeGroup(): readonly Queued[] {
    const looks = this.#queue.findIndex(({ change }) => change.look !== undefined);
    const count = looks < 0 ? maxWrites : Math.max(1, Math.min(looks, maxWrites));
    return this.#queue.splice(0, count);
  }

  async #commit(group: readonly Queued[]): Promise<void> {
    if (group.length === 0) return;
    const isWanted = (): boolean => group.some(({ isSettled }) => !isSettled);
    // One and the same from the first read to the last write: what it has not read, it shall not write.
    const { session } = this;
    try {
      await this.#writer.overtakeAstray(isWanted);
      const view = await this.#read(group, session, isWanted);
      const applied = group.flatMap((queued) => this.#apply(queued, view) ?? []);
      this.#answer(applied, await this.#writer.write(view.writes(), session, isWanted));
    } catch (error) {
      const refusal = notStored(error);
      for (const queued of group) settle(queued, () => queued.reject(refusal));
      if (this.#writer.isAstray) this.#tellOfClaims(group);
    }
  }

  async #read(
    group: readonly Queued[],
    session: string,
    isWanted: () => boolean,
  ): Promise<RedisView> {
    const { policy } = this.#options;
    let nextGeneration = (): number => {
      throw new TypeError('no plan was to be made');
    };
    const view = new RedisView({ policy, session }, () => nextGeneration());
    for (const { change } of group) await change.look?.(view);
    const { keys, absent } = this.#keysOf(group);
    if (keys.length + absent.length === 0) return view;
    const made = group.filter(({ change }) => change.makesPlan === true).length;
    const read = (args: readonly ScriptArgument[]) => this.#scripts.run('read', args, isWanted);
    const { generation, records } = await readRecords(read, keys, made);
    for (const [at, key] of keys.entries()) view.add(key, records[at]);
    for (const key of absent) view.add(key, undefined);
    if (typeof generation !== 'number') {
      nextGeneration = () => {
        throw refused(generation);
      };
    } else if (made > 0) {
      const replaced = keys.flatMap((key) => view.generationOf(key) ?? []);
      nextGeneration = await this.#generations.newer(generation, made, replaced, isWanted);
    }
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
      const refusal = obstacles.map(refusalOf).find((error) => error !== undefined);
      if (refusal !== undefined) settle(queued, () => queued.reject(refusal));
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

  /**
   * Refuses what has waited too long, while anything waits. What looks for something to do is refused as
   * soon as nothing is answered: other partitions may have some.
   */
  #sweepLater(): Cancel {
    return this.#options.clock.after(sweepMs, () => {
      const nowMs = this.#options.clock.monotonicMs();
      const isStuck = nowMs - this.#groupStartMs > stuckMs;
      const isLate = ({ deadlineMs }: Queued): boolean => deadlineMs <= nowMs;
      const looks = ({ change }: Queued): boolean => change.look !== undefined;
      const late = [
        ...this.#group.filter(isLate),
        ...this.#queue.filter((queued) => isLate(queued) || (isStuck && looks(queued))),
      ];
      const refusal = notStored(new RedisAway('Redis did not answer in time'));
      for (const queued of late) settle(queued, () => queued.reject(refusal));
      this.#queue = this.#queue.filter(({ isSettled }) => !isSettled);
      const isIdle = this.#queue.length === 0 && this.#running === undefined;
      this.#sweep = isIdle ? undefined : this.#sweepLater();
    });
  }
}

const refused = (reason: string): ForsunError =>
  planNotStored(
    /\bOOM\b/.test(reason)
      ? `Redis is full, and takes no further plans (maxmemory): ${reason}`
      : `Redis refused it: ${reason}`,
  );

/** What its caller is told; of any other, the change is made anew. */
function refusalOf(obstacle: Obstacle): ForsunError | undefined {
  if (obstacle.kind === 'refused') return refused(obstacle.reason);
  if (obstacle.kind !== 'unknown') return undefined;
  return planNotStored('the lease was lost, and with it what Redis had answered');
}

/** What a session had in flight is not its own any more: with its lease such a change has become void. */
const endsWithLease = ({ change }: Queued, obstacles: readonly Obstacle[]): boolean =>
  change.needs.lease && obstacles.every(({ kind }) => kind === 'lease_lost');

function settle(queued: Queued, how: () => void): void {
  if (queued.isSettled) return;
  queued.isSettled = true;
  how();
}

const notStored = (error: unknown): ForsunError =>
  error instanceof ForsunError
    ? error
    : planNotStored(error instanceof Error ? error.message : String(error), error);
