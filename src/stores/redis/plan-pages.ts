import type { ListedFailure } from '../../core/failure.ts';
import type { AgendaPlace } from '../../core/plan.ts';
import type { UnixSeconds } from '../../core/time.ts';
import { decodeFailure } from '../failure-entry.ts';
import { UnreadableRecord } from '../record.ts';
import type { StoredPlan } from '../stored-plan.ts';
import { maxPartitions, timeText, treeEntryOf } from './keys.ts';
import type { RedisPartition } from './partition.ts';
import { readRecords } from './read-records.ts';
import { decodeHeld } from './redis-record.ts';

/** Records read by one script. */
const maxRead = 256;
/** Entries of an index read by one script. */
const maxEntries = 1_000;
const failurePiece = 256;
/** Before each failure: its number in the partition. */
const numberDigits = 16;

export interface PlanPagesOptions {
  readonly partitions: readonly RedisPartition[];
  readonly partitionOf: (key: string) => RedisPartition;
  readonly failuresKept: number;
  readonly onUnreadable: (error: UnreadableRecord) => void;
  readonly onUnreadableFailure: (number: number, reason: string) => void;
}

/** Reads of all partitions together; lists tell of what cannot be read, and leave it out. */
export class PlanPages {
  readonly #options: PlanPagesOptions;

  constructor(options: PlanPagesOptions) {
    this.#options = options;
  }

  /** Throws UnreadableRecord. */
  async get(key: string): Promise<StoredPlan | undefined> {
    const records = await this.#records([key]);
    const record = records.get(key);
    return record && decodeHeld(key, record).plan;
  }

  async getMany(keys: readonly string[]): Promise<readonly StoredPlan[]> {
    const records = await this.#records(keys);
    return keys.flatMap((key) => this.#readable(key, records.get(key)) ?? []);
  }

  async keys(prefix: string, limit: number, after?: string): Promise<readonly string[]> {
    const parts = this.#options.partitions.map((partition) =>
      keysOf(partition, prefix, limit, after),
    );
    return (await Promise.all(parts)).flat().sort(byBytes).slice(0, limit);
  }

  async agenda(
    from: UnixSeconds,
    to: UnixSeconds,
    limit: number,
    after?: AgendaPlace,
  ): Promise<readonly StoredPlan[]> {
    const plans: StoredPlan[] = [];
    // Behind that place: no key holds the byte 00.
    let start = timeText(from);
    const last = after && `${timeText(after.fireTime)}${after.key}\0`;
    if (last !== undefined && byBytes(last, start) > 0) start = last;
    const end = timeText(to);
    while (plans.length < limit && byBytes(start, end) < 0) {
      const most = Math.min(limit - plans.length, maxEntries);
      const { members, isAll } = await this.#agendaMembers(start, end, most);
      const entries = members.map(treeEntryOf);
      const found = await this.getMany(entries.map(({ key }) => key));
      const dues = new Map(entries.map(({ key, due }) => [key, due]));
      // Of a plan that was changed meanwhile the entry is gone.
      plans.push(...found.filter(({ key, nextFireTime }) => nextFireTime === dues.get(key)));
      const newest = members.at(-1);
      if (newest === undefined || isAll) break;
      start = `${newest}\0`;
    }
    return plans;
  }

  /** Of those partitions. */
  async parkedOrigins(
    partitions: readonly RedisPartition[],
    after: string | undefined,
    limit: number,
  ): Promise<readonly string[]> {
    const asked = partitions.map((partition) =>
      partition.ask('origins', [after ?? '', Math.min(limit, maxEntries)]),
    );
    const origins = (await Promise.all(asked)).flatMap(([found]) =>
      (found as Buffer[]).map(String),
    );
    return [...new Set(origins)].sort(byBytes).slice(0, limit);
  }

  async failures(
    prefix: string,
    limit: number,
    before = Infinity,
  ): Promise<readonly ListedFailure[]> {
    const most = Math.min(limit, this.#options.failuresKept);
    const isWanted = ({ key, number }: ListedFailure): boolean =>
      key.startsWith(prefix) && number < before;
    const parts = this.#options.partitions.map((partition, index) =>
      this.#failuresOf(partition, index, isWanted, most),
    );
    const failures = (await Promise.all(parts)).flat();
    return failures.sort((a, b) => b.number - a.number).slice(0, most);
  }

  async #failuresOf(
    partition: RedisPartition,
    index: number,
    isWanted: (failure: ListedFailure) => boolean,
    limit: number,
  ): Promise<readonly ListedFailure[]> {
    const failures: ListedFailure[] = [];
    for (let at = 0; failures.length < limit;) {
      const [found] = await partition.ask('failures', [at, failurePiece]);
      const entries = found as Buffer[];
      for (const entry of entries) {
        const failure = this.#readableFailure(entry, failureNumber(entry, index));
        if (failure !== undefined && isWanted(failure)) failures.push(failure);
      }
      if (entries.length === 0) break;
      at += entries.length;
    }
    return failures.slice(0, limit);
  }

  #readableFailure(entry: Buffer, number: number): ListedFailure | undefined {
    try {
      return failureOf(entry, number);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#options.onUnreadableFailure(number, error.message);
      return undefined;
    }
  }

  /** As many as were asked for, or fewer when they are long; `isAll`: there are no more. */
  async #agendaMembers(start: string, end: string, most: number) {
    const asked = this.#options.partitions.map((partition) =>
      partition.ask('agenda', [start, end, most]),
    );
    const spans = (await Promise.all(asked)).flatMap(([due, aside, moreDue, moreAside]) => [
      { members: (due as Buffer[]).map(String), hasMore: moreDue === 1 },
      { members: (aside as Buffer[]).map(String), hasMore: moreAside === 1 },
    ]);
    // Behind the end of one that was cut short, nobody knows what comes first.
    const ends = spans.flatMap(({ members, hasMore }) => (hasMore ? members.slice(-1) : []));
    const [reach] = ends.sort(byBytes);
    const members = spans
      .flatMap((span) => span.members)
      .filter((member) => reach === undefined || byBytes(member, reach) <= 0)
      .sort(byBytes)
      .slice(0, most);
    return { members, isAll: reach === undefined && members.length < most };
  }

  async #records(keys: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    const found = new Map<string, Buffer>();
    const groups = grouped(new Set(keys), (key) => this.#options.partitionOf(key));
    const read = async (partition: RedisPartition, own: readonly string[]): Promise<void> => {
      for (let at = 0; at < own.length; at += maxRead) {
        const piece = own.slice(at, at + maxRead);
        const { records } = await readRecords((args) => partition.ask('read', args), piece);
        for (const [index, key] of piece.entries()) {
          const record = records[index];
          if (record !== undefined) found.set(key, record);
        }
      }
    };
    await Promise.all([...groups].map(([partition, own]) => read(partition, own)));
    return found;
  }

  #readable(key: string, record: Buffer | undefined): StoredPlan | undefined {
    if (record === undefined) return undefined;
    try {
      return decodeHeld(key, record).plan;
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error;
      this.#options.onUnreadable(error);
      return undefined;
    }
  }
}

/** The first keys of the partition that start with the prefix, behind `after`. */
async function keysOf(
  partition: RedisPartition,
  prefix: string,
  limit: number,
  after?: string,
): Promise<readonly string[]> {
  const start = after === undefined || byBytes(after, prefix) < 0 ? prefix : after;
  const end = Buffer.concat([Buffer.from(prefix), Buffer.from([0xff])]);
  const keys: string[] = [];
  let cursor: Buffer | string = '';
  do {
    const most = Math.min(limit - keys.length, maxEntries);
    const [next, found] = await partition.ask('keys', [start, cursor, end, most]);
    const part = (found as Buffer[]).map(String).filter((key) => key.startsWith(prefix));
    keys.push(...part.filter((key) => after === undefined || byBytes(key, after) > 0));
    cursor = next as Buffer;
  } while (cursor.length > 0 && keys.length < limit);
  // Leaves are in order, keys in a leaf are not.
  return keys.sort(byBytes).slice(0, limit);
}

/** Throws RangeError. */
function failureOf(entry: Buffer, number: number): ListedFailure {
  if (!Number.isSafeInteger(number)) throw new RangeError('it begins with no number');
  return { ...decodeFailure(entry.subarray(numberDigits)), number };
}

const failureNumber = (entry: Buffer, partition: number): number =>
  Number(entry.toString('latin1', 0, numberDigits)) * maxPartitions + partition;

export function grouped<T, G>(items: Iterable<T>, groupOf: (item: T) => G): Map<G, T[]> {
  const groups = new Map<G, T[]>();
  for (const item of items) {
    const group = groupOf(item);
    const own = groups.get(group);
    if (own === undefined) groups.set(group, [item]);
    else own.push(item);
  }
  return groups;
}

/** Order of bytes in UTF-8, which that of UTF-16 units is not. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
