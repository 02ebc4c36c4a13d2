/** Limits that keep one target from hurting another (docs/design.md, law 7). */
export interface DispatchLimits {
  /** Runs under way in all. */
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

/** Origins remembered as proven. */
const maxProven = 10_000;
/** The part of all runs that one origin may have before it has proved itself. */
const unprovenShare = 1 / 64;
/** Runs under way and none ended for that long: the origin is stalled. */
const stalledMs = 1_000;

/** Gives the room of a run back; says whether it ended for good, or undefined when it never started. */
export type Ended = (isForGood: boolean | undefined) => void;

/** One origin's runs and what waits for them. It exists only while it has either. */
export class Lane<T> {
  readonly origin: string;
  readonly maxRuns: number;
  readonly queue: T[] = [];
  running = 0;
  /** When a run of it ended last, or the first of those under way began. */
  progressMs = 0;

  constructor(origin: string, maxRuns: number) {
    this.origin = origin;
    this.maxRuns = maxRuns;
  }

  get isEmpty(): boolean {
    return this.queue.length === 0 && this.running === 0;
  }
}

/**
 * The lanes of all origins, and whose turn it is. An origin is proven while its last run ended for good,
 * done or failed; half of all runs is open to proven ones only, so many dead targets cannot fill what the living need. A
 * target that dies with much before it stalls: nothing of it ends.
 */
export class Lanes<T> {
  readonly #limits: DispatchLimits;
  readonly #monotonicMs: () => number;
  readonly #lanes = new Map<string, Lane<T>>();
  readonly #ready = { proven: new Set<Lane<T>>(), unproven: new Set<Lane<T>>() };
  readonly #proven = new Set<string>();
  #running = 0;
  #unprovenRunning = 0;
  #unprovenTurn = false;

  constructor(limits: DispatchLimits, monotonicMs: () => number) {
    this.#limits = limits;
    this.#monotonicMs = monotonicMs;
  }

  isProven(origin: string): boolean {
    return this.#proven.has(origin);
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
    if (lane === undefined) this.#lanes.set(origin, (lane = new Lane<T>(origin, maxRuns)));
    lane.queue.push(item);
    this.#file(lane);
  }

  /** The next item that has room to run, its room taken; undefined when none has. */
  start(): { readonly item: T; readonly ended: Ended } | undefined {
    const lane = this.#nextLane();
    const item = lane?.queue.shift();
    if (lane === undefined || item === undefined) return undefined;
    const isUnproven = !this.isProven(lane.origin);
    if (lane.running === 0) lane.progressMs = this.#monotonicMs();
    lane.running += 1;
    this.#running += 1;
    if (isUnproven) this.#unprovenRunning += 1;
    this.#file(lane);
    return {
      item,
      ended: (isForGood) => {
        lane.running -= 1;
        lane.progressMs = this.#monotonicMs();
        this.#running -= 1;
        if (isUnproven) this.#unprovenRunning -= 1;
        if (isForGood !== undefined) this.#remember(lane.origin, isForGood);
        this.#file(lane);
      },
    };
  }

  /** Its runs are under way, and none has ended for a while. */
  isStalled(origin: string): boolean {
    const lane = this.#lanes.get(origin);
    return lane !== undefined && this.#isStalled(lane);
  }

  /** Takes out all that wait for stalled origins, which have proved nothing any more. */
  removeStalled(): T[] {
    return [...this.#lanes.values()].flatMap((lane) => {
      if (!this.#isStalled(lane)) return [];
      this.#proven.delete(lane.origin);
      return this.#removeQueued(lane);
    });
  }

  /** Takes out all that wait. */
  removeQueued(): T[] {
    return [...this.#lanes.values()].flatMap((lane) => this.#removeQueued(lane));
  }

  #isStalled({ running, progressMs }: Lane<T>): boolean {
    return running > 0 && this.#monotonicMs() - progressMs > stalledMs;
  }

  #removeQueued(lane: Lane<T>): T[] {
    const items = lane.queue.splice(0);
    this.#file(lane);
    return items;
  }

  #nextLane(): Lane<T> | undefined {
    if (this.#running >= this.#limits.runs) return undefined;
    const unprovenMay = this.#unprovenRunning < this.#limits.runs / 2;
    const proven = first(this.#ready.proven);
    const unproven = unprovenMay ? first(this.#ready.unproven) : undefined;
    this.#unprovenTurn = !this.#unprovenTurn;
    return this.#unprovenTurn ? (unproven ?? proven) : (proven ?? unproven);
  }

  /** Puts a lane behind the others that are ready, or takes it out: to be called on every change. */
  #file(lane: Lane<T>): void {
    this.#ready.proven.delete(lane);
    this.#ready.unproven.delete(lane);
    if (lane.isEmpty) this.#lanes.delete(lane.origin);
    if (lane.queue.length === 0) return;
    const isProven = this.isProven(lane.origin);
    const unprovenRuns = Math.max(1, Math.floor(this.#limits.runs * unprovenShare));
    const maxRuns = isProven ? lane.maxRuns : Math.min(lane.maxRuns, unprovenRuns);
    if (lane.running < maxRuns) this.#ready[isProven ? 'proven' : 'unproven'].add(lane);
  }

  #remember(origin: string, isForGood: boolean): void {
    this.#proven.delete(origin);
    if (!isForGood) return;
    this.#proven.add(origin);
    if (this.#proven.size > maxProven) {
      const oldest = first(this.#proven);
      if (oldest !== undefined) this.#proven.delete(oldest);
    }
  }
}

function first<V>(values: Set<V>): V | undefined {
  for (const value of values) return value;
  return undefined;
}
