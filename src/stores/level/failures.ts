import type { Failure, ListedFailure } from '../../core/failure.ts';
import type { Log } from '../../core/log.ts';
import type { Database } from './database.ts';
import { decodeFailure, encodeFailure } from '../failure-entry.ts';
import { failureKey, numberOfFailureKey, rangeOf } from './keys.ts';
import type { View } from './view.ts';

const pieceSize = 256;

/**
 * The newest failures, numbered in the order they were settled. Each is written in the batch of its
 * settling, which takes the oldest one away when there are enough.
 */
export class FailureRing {
  readonly #db: Database;
  readonly #kept: number;
  readonly #log: Log;
  /** Those there are; none when `oldest` is behind `newest`. */
  #oldest = 1;
  #newest = 0;

  private constructor(db: Database, kept: number, log: Log) {
    this.#db = db;
    this.#kept = kept;
    this.#log = log;
  }

  /** Over what the database holds; of that, what is more than `kept` is taken away. */
  static async open(db: Database, kept: number, log: Log): Promise<FailureRing> {
    const ring = new FailureRing(db, kept, log);
    const { end } = rangeOf('failure');
    // A store that was made when failures were not kept has no mark behind them.
    const [mark] = await db.getMany([end]);
    if (mark === undefined) await db.write((batch) => batch.put(end, Buffer.alloc(0)));
    await ring.locate();
    await ring.#trim();
    return ring;
  }

  /** Finds out which there are: at first, and when the database has failed and may hold others. */
  async locate(): Promise<void> {
    const { start, end } = rangeOf('failure');
    const range = { gte: start, lt: end, limit: 1 };
    const [oldest] = await this.#db.keys(range);
    const [newest] = await this.#db.keys({ ...range, reverse: true });
    this.#oldest = oldest === undefined ? 1 : numberOfFailureKey(oldest);
    this.#newest = newest === undefined ? 0 : numberOfFailureKey(newest);
  }

  /** Has the failure written with what the view writes. */
  add(view: View, failure: Failure): void {
    if (this.#kept === 0) return;
    const entry = encodeFailure(failure);
    const key = failureKey(++this.#newest);
    // One at most: open has taken away what was more.
    const gone = this.#excess > 0 ? failureKey(this.#oldest++) : undefined;
    view.also((batch) => {
      batch.put(key, entry);
      if (gone !== undefined) batch.del(gone);
    });
  }

  /** Store.failures. One that cannot be read is left out, and told. */
  async list(prefix: string, limit: number, before = Infinity): Promise<readonly ListedFailure[]> {
    const found: ListedFailure[] = [];
    const newest = Math.min(this.#newest, before - 1);
    for (let next = newest; next >= this.#oldest && found.length < limit;) {
      // No more than are there: behind the oldest lie those taken away, which a scan would walk over.
      const oldest = Math.max(this.#oldest, next - pieceSize + 1);
      const piece = await this.#db.entries({
        gte: failureKey(oldest),
        lt: failureKey(next + 1),
        reverse: true,
        limit: next - oldest + 1,
      });
      for (const [key, entry] of piece) {
        const failure = this.#read(numberOfFailureKey(key), entry);
        if (failure?.key.startsWith(prefix) === true) found.push(failure);
      }
      next = oldest - 1;
    }
    return found.slice(0, limit);
  }

  async #trim(): Promise<void> {
    while (this.#excess > 0) {
      const end = this.#oldest + Math.min(this.#excess, pieceSize);
      await this.#db.write((batch) => {
        while (this.#oldest < end) batch.del(failureKey(this.#oldest++));
      });
    }
  }

  get #excess(): number {
    return this.#newest - this.#oldest + 1 - this.#kept;
  }

  #read(number: number, entry: Buffer): ListedFailure | undefined {
    try {
      return { ...decodeFailure(entry), number };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#log.warn('failure_unreadable', { number, reason: error.message });
      return undefined;
    }
  }
}
