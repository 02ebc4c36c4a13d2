/** Limits that keep one target from hurting another (docs/design.md, law 7). */
export interface DispatchLimits {
  /** Runs under way at once, besides those of failing targets; of these there may be twice as many. */
  readonly runs: number;
  /** Firings held in memory in all: queued, running or being settled. */
  readonly held: number;
  /** Firings that wait in memory for one origin; what comes beyond is parked in the store. */
  readonly queuedPerOrigin: number;
}

export const dispatchDefaults: DispatchLimits = {
  runs: 1_024,
  held: 8_192,
  queuedPerOrigin: 4_000,
};

/**
 * What is known of an origin: `proven` while its last run ended for good, done or failed; `failing` when
 * it did not, or when the origin stalled; `untried` before.
 */
export type Standing = 'proven' | 'untried' | 'failing';

const standings = ['proven', 'untried', 'failing'] as const satisfies readonly Standing[];

/** Origins of each standing that are remembered. */
const maxRemembered = 10_000;
/** The part of all runs that one origin may have before it has proved itself. */
const unprovenShare = 1 / 64;
/** With so many runs of failing origins, as a multiple of all others, no untried one is tried any more. */
const failingShare = 2;
/** Runs under way and none ended for that long: the origin is stalled. Of an untried one less is known. */
const stalledMs = { proven: 1_000, untried: 500, failing: 1_000 } as const;

/** Gives the room of a run back; says whether it ended for good, or undefined when it never started. */
export type Ended = (isForGood: boolean | undefined) => void;

/** One origin's runs and what waits for them. It exists only while it has either. */
class Lane<T> {
  readonly origin: string;
  readonly maxRuns: number;
  readonly queue: T[] = [];
  standing: Standing;
  running = 0;
  /** When a run of it ended last, or the first of those under way began. */
  progressMs = 0;

  constructor(origin: string, maxRuns: number, standing: Standing) {
    this.origin = origin;
    this.maxRuns = maxRuns;
    this.standing = standing;
  }
}

/** What the origins of one standing have together. */
class Share<T> {
  /** Lanes whose turn may come, the next one first. */
  readonly ready = new Set<Lane<T>>();
  running = 0;
  queued = 0;
}

/**
 * The lanes of all origins, and whose turn it is. Half of all runs is open to proven origins only. An
 * untried one waits for no dead one: a dead origin stalls by the next tick, and from then on its runs count
 * apart. So of very many dead origins a batch is tried each second, while their runs wait for their
 * deadlines; what has failed before gets no more than half as many runs as there are in all.
 */
export class Lanes<T> {
  readonly #limits: DispatchLimits;
  readonly #monotonicMs: () => number;
  readonly #lanes = new Map<string, Lane<T>>();
  readonly #shares = { proven: new Share<T>(), untried: new Share<T>(), failing: new Share<T>() };
  /** Untried lanes of which something runs and more might: many that are dead must not keep others from a first run. */
  readonly #tried = new Set<Lane<T>>();
  readonly #remembered = { proven: new Set<string>(), failing: new Set<string>() };
  #turn = 0;

  constructor(limits: DispatchLimits, monotonicMs: () => number) {
    this.#limits = limits;
    this.#monotonicMs = monotonicMs;
  }

  standing(origin: string): Standing {
    const { proven, failing } = this.#remembered;
    return proven.has(origin) ? 'proven' : failing.has(origin) ? 'failing' : 'untried';
  }

  /** Runs that one origin may have at once while it is not proven. */
  get trialRuns(): number {
    return Math.max(1, Math.floor(this.#limits.runs * unprovenShare));
  }

  /** Firings that wait or run, of all origins of that standing. */
  size(standing: Standing): number {
    const { running, queued } = this.#shares[standing];
    return running + queued;
  }

  /** What waits in all, and how many origins are stalled. */
  load(): { readonly queued: number; readonly stalled: number } {
    let [queued, stalled] = [0, 0];
    for (const lane of this.#lanes.values()) {
      queued += lane.queue.length;
      if (this.#isStalled(lane)) stalled += 1;
    }
    return { queued, stalled };
  }

  queued(origin: string): number {
    return this.#lanes.get(origin)?.queue.length ?? 0;
  }

  enqueue(origin: string, maxRuns: number, item: T): void {
    let lane = this.#lanes.get(origin);
    if (lane === undefined) {
      lane = new Lane<T>(origin, maxRuns, this.standing(origin));
      this.#lanes.set(origin, lane);
    }
    lane.queue.push(item);
    this.#shares[lane.standing].queued += 1;
    this.#file(lane);
  }

  /** The next item that has room to run, its room taken; undefined when none has. */
  start(): { readonly item: T; readonly ended: Ended } | undefined {
    const lane = this.#nextLane();
    const item = lane?.queue.shift();
    if (lane === undefined || item === undefined) return undefined;
    if (lane.running === 0) lane.progressMs = this.#monotonicMs();
    lane.running += 1;
    this.#shares[lane.standing].queued -= 1;
    this.#shares[lane.standing].running += 1;
    this.#file(lane);
    return {
      item,
      ended: (isForGood) => {
        lane.running -= 1;
        this.#shares[lane.standing].running -= 1;
        lane.progressMs = this.#monotonicMs();
        if (isForGood !== undefined) this.#remember(lane.origin, isForGood ? 'proven' : 'failing');
        this.#file(lane);
      },
    };
  }

  /** Its runs are under way, and none has ended for a while. */
  isStalled(origin: string): boolean {
    const lane = this.#lanes.get(origin);
    return lane !== undefined && this.#isStalled(lane);
  }

  /** Takes out all that wait for stalled origins, which are failing from now on. */
  removeStalled(): T[] {
    return [...this.#lanes.values()].flatMap((lane) => {
      if (!this.#isStalled(lane)) return [];
      this.#remember(lane.origin, 'failing');
      return this.#removeQueued(lane);
    });
  }

  /** Takes out all that wait. */
  removeQueued(): T[] {
    return [...this.#lanes.values()].flatMap((lane) => this.#removeQueued(lane));
  }

  #isStalled({ running, progressMs, standing }: Lane<T>): boolean {
    return running > 0 && this.#monotonicMs() - progressMs > stalledMs[standing];
  }

  #removeQueued(lane: Lane<T>): T[] {
    const items = lane.queue.splice(0);
    this.#shares[lane.standing].queued -= items.length;
    this.#file(lane);
    return items;
  }

  /** The standings take turns, and so do the lanes of each. */
  #nextLane(): Lane<T> | undefined {
    this.#turn += 1;
    for (let n = 0; n < standings.length; n += 1) {
      const standing = standings[(this.#turn + n) % standings.length];
      if (standing === undefined || !this.#hasRoom(standing)) continue;
      const lane = first(this.#shares[standing].ready);
      if (lane !== undefined) return lane;
      if (standing !== 'untried' || this.#isCrowded) continue;
      const tried = first(this.#tried);
      if (tried !== undefined) return tried;
    }
    return undefined;
  }

  /** So many untried origins run that each gets one run until more is known of it. */
  get #isCrowded(): boolean {
    return this.#shares.untried.running >= this.#limits.runs / 4;
  }

  #hasRoom(standing: Standing): boolean {
    const { runs } = this.#limits;
    const { proven, untried, failing } = this.#shares;
    if (standing === 'failing') return failing.running < runs / 2;
    if (proven.running + untried.running >= runs) return false;
    if (standing === 'proven') return true;
    return untried.running < runs / 2 && failing.running < failingShare * runs;
  }

  /** Puts a lane behind the others that are ready, or takes it out: to be called on every change. */
  #file(lane: Lane<T>): void {
    const { maxRuns, origin, queue, running, standing } = lane;
    const { ready } = this.#shares[standing];
    ready.delete(lane);
    this.#tried.delete(lane);
    if (queue.length === 0) {
      if (running === 0) this.#lanes.delete(origin);
      return;
    }
    const most = standing === 'proven' ? maxRuns : Math.min(maxRuns, this.trialRuns);
    if (running >= most) return;
    if (standing === 'untried' && running > 0) this.#tried.add(lane);
    else ready.add(lane);
  }

  /** Of each standing the newest are remembered; an origin that is forgotten is untried again. */
  #remember(origin: string, standing: 'proven' | 'failing'): void {
    const { proven, failing } = this.#remembered;
    proven.delete(origin);
    failing.delete(origin);
    const all = this.#remembered[standing].add(origin);
    const oldest = all.size > maxRemembered ? first(all) : undefined;
    if (oldest !== undefined) all.delete(oldest);
    for (const changed of [origin, oldest]) if (changed !== undefined) this.#restand(changed);
  }

  /** Counts what the origin has under its standing of now. */
  #restand(origin: string): void {
    const lane = this.#lanes.get(origin);
    const standing = this.standing(origin);
    if (lane === undefined || lane.standing === standing) return;
    const before = this.#shares[lane.standing];
    const after = this.#shares[standing];
    before.ready.delete(lane);
    this.#tried.delete(lane);
    before.running -= lane.running;
    before.queued -= lane.queue.length;
    after.running += lane.running;
    after.queued += lane.queue.length;
    lane.standing = standing;
    this.#file(lane);
  }
}

function first<V>(values: Set<V>): V | undefined {
  for (const value of values) return value;
  return undefined;
}
