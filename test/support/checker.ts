/** One run of a firing, as its receiver saw it. */
export interface Delivery {
  readonly key: string;
  readonly fireId: string;
  readonly fireTime: number;
  readonly attempt: number;
  /** By the clock that the server judges by. */
  readonly atMs: number;
}

/** A moment at which the server died without a word. */
export interface Crash {
  readonly atMs: number;
}

/** What a run of the server did wrong; every list is empty when it kept its word. */
export interface Judgement {
  /** Due times that never came, as key@time. */
  readonly missed: readonly string[];
  /** Deliveries of due times that no plan has. */
  readonly extra: readonly string[];
  /** Deliveries before their second began. */
  readonly early: readonly string[];
  /** Deliveries again for which no crash while the one before ran is an excuse. */
  readonly duplicate: readonly string[];
  /** Deliveries under another fire id than before, or under an attempt that no crash accounts for. */
  readonly misnumbered: readonly string[];
}

/** How long after its delivery a run may still have been in flight, its outcome not yet durable. */
const settlingMs = 1_000;

/**
 * Compares what was due with what was delivered, where every delivery is answered at once and well: each
 * due time exactly once; again only if the server crashed while it was in flight, and then under the same
 * fire id as the next attempt.
 */
export function judge(
  due: ReadonlyMap<string, readonly number[]>,
  deliveries: readonly Delivery[],
  crashes: readonly Crash[] = [],
): Judgement {
  const wanted = new Set([...due].flatMap(([key, times]) => times.map((time) => name(key, time))));
  const byName = groupsOf(deliveries);
  const again = [...byName.values()].flatMap(pairs);
  const isUnaccounted = ({ attempt, atMs }: Delivery): boolean =>
    attempt > 1 + crashes.filter((crash) => crash.atMs <= atMs).length;
  return {
    missed: [...wanted].filter((one) => !byName.has(one)),
    extra: [...byName.keys()].filter((one) => !wanted.has(one)),
    early: deliveries.filter(({ fireTime, atMs }) => atMs < fireTime * 1000).map(nameOf),
    duplicate: again.filter((pair) => !crashes.some((crash) => excuses(crash, pair))).map(second),
    misnumbered: [
      ...again.filter(([a, b]) => b.fireId !== a.fireId || b.attempt <= a.attempt).map(second),
      ...deliveries.filter(isUnaccounted).map(nameOf),
    ],
  };
}

/** The judgement of a run without fault. */
export const flawless: Judgement = {
  missed: [],
  extra: [],
  early: [],
  duplicate: [],
  misnumbered: [],
};

/** Fire times of an interval plan: so many, or those up to that second, the smaller. */
export function intervalTimes(
  first: number,
  everySeconds: number,
  { count = Infinity, until = Infinity }: { readonly count?: number; readonly until?: number },
): readonly number[] {
  const times: number[] = [];
  for (let time = first; times.length < count && time <= until; time += everySeconds) {
    times.push(time);
  }
  return times;
}

function groupsOf(deliveries: readonly Delivery[]): ReadonlyMap<string, readonly Delivery[]> {
  const groups = new Map<string, Delivery[]>();
  for (const delivery of deliveries) {
    const group = groups.get(nameOf(delivery));
    if (group === undefined) groups.set(nameOf(delivery), [delivery]);
    else group.push(delivery);
  }
  return groups;
}

type Pair = readonly [before: Delivery, after: Delivery];

const pairs = (group: readonly Delivery[]): Pair[] =>
  group.slice(1).map((after, index): Pair => [group[index]!, after]);

const excuses = ({ atMs }: Crash, [before, after]: Pair): boolean =>
  before.atMs <= atMs && atMs <= before.atMs + settlingMs && after.atMs >= atMs;

const second = ([, after]: Pair): string => nameOf(after);
const nameOf = ({ key, fireTime }: Delivery): string => name(key, fireTime);
const name = (key: string, time: number): string => `${key}@${time}`;
