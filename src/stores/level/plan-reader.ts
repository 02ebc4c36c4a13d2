import type { AgendaPlace } from '../../core/plan.ts';
import type { UnixSeconds } from '../../core/time.ts';
import { decodeRecord, UnreadableRecord } from '../record.ts';
import type { StoredPlan } from '../stored-plan.ts';
import type { Database } from './database.ts';
import {
  agendaEntryOf,
  agendaRange,
  keyAfter,
  keyOfPlanKey,
  planKey,
  planKeyRange,
} from './keys.ts';

/** Reads plans from disk as the last commit left them; lists tell of what cannot be read, and leave it out. */
export class PlanReader {
  readonly #db: Database;
  readonly #onUnreadable: (error: UnreadableRecord) => void;

  constructor(db: Database, onUnreadable: (error: UnreadableRecord) => void) {
    this.#db = db;
    this.#onUnreadable = onUnreadable;
  }

  /** Throws UnreadableRecord. */
  async get(key: string): Promise<StoredPlan | undefined> {
    const [record] = await this.#db.getMany([planKey(key)]);
    return record && decodeRecord(key, record);
  }

  async getMany(keys: readonly string[]): Promise<readonly StoredPlan[]> {
    const records = await this.#db.getMany(keys.map(planKey));
    return keys.flatMap((key, index) => this.#readable(key, records[index]) ?? []);
  }

  async keys(prefix: string, limit: number, after?: string): Promise<readonly string[]> {
    const keys = await this.#db.keys({ ...planKeyRange(prefix, after), limit });
    return keys.map(keyOfPlanKey);
  }

  async agenda(
    from: UnixSeconds,
    to: UnixSeconds,
    limit: number,
    after?: AgendaPlace,
  ): Promise<readonly StoredPlan[]> {
    const plans: StoredPlan[] = [];
    for (let { gte, lt } = agendaRange(from, to, after); plans.length < limit;) {
      const found = await this.#db.keys({ gte, lt, limit: limit - plans.length });
      const last = found.at(-1);
      if (last === undefined) break;
      gte = keyAfter(last);
      const entries = found.flatMap((bytes) => agendaEntryOf(bytes) ?? []);
      const dues = new Map(entries.map(({ key, due }) => [key, due]));
      const due = await this.getMany([...dues.keys()]);
      // Of a plan that was changed meanwhile the entry is gone.
      plans.push(...due.filter(({ key, nextFireTime }) => nextFireTime === dues.get(key)));
    }
    return plans;
  }

  #readable(key: string, record: Buffer | undefined): StoredPlan | undefined {
    if (record === undefined) return undefined;
    try {
      return decodeRecord(key, record);
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error;
      this.#onUnreadable(error);
      return undefined;
    }
  }
}
