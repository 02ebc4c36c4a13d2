import type { Claim } from '../store.ts';
import type { Database } from './database.ts';
import type { Answer, Change } from './group-commit.ts';
import {
  keyAfter,
  parkedEnd,
  type ParkedEntry,
  parkedEntryOf,
  parkedKey,
  parkedStart,
  rangeOf,
} from './keys.ts';
import { firingOf, resumed, unfinishedAt } from '../life.ts';
import type { View } from './view.ts';

const maxOrigins = 1024;

/**
 * Where the oldest parked firing of an origin can be at the earliest, so that those taken before are not
 * walked again. It knows few origins; of any other it says the very start.
 */
export class ParkedStarts {
  readonly #starts = new Map<string, Buffer>();

  of(origin: string): Buffer {
    return this.#starts.get(origin) ?? parkedStart(origin);
  }

  /** Nothing is parked with the origin below that key. */
  taken(origin: string, start: Buffer): void {
    this.#starts.delete(origin);
    this.#starts.set(origin, start);
    const [first] = this.#starts.keys();
    if (this.#starts.size > maxOrigins && first !== undefined) this.#starts.delete(first);
  }

  parked(entry: ParkedEntry): void {
    const start = this.#starts.get(entry.origin);
    if (start === undefined) return;
    const key = parkedKey(entry);
    if (Buffer.compare(key, start) < 0) this.#starts.set(entry.origin, key);
  }

  forget(): void {
    this.#starts.clear();
  }
}

export interface ParkedClaims {
  readonly claims: readonly Claim[];
  /** Something was parked, though perhaps nothing that could be claimed: further on may be more. */
  readonly hasFound: boolean;
}

/** A part of Store.claimParked as a change. */
export class ClaimParked implements Change<ParkedClaims> {
  /** At its own origin; were it asked twice for one, each would judge what it found by the plans as they stand then. */
  readonly looksApart = true;
  readonly #db: Database;
  readonly #starts: ParkedStarts;
  readonly #origin: string;
  readonly #limit: number;
  readonly #onUnclaimable: (key: string, error: unknown) => void;
  #entries: readonly ParkedEntry[] = [];

  constructor(
    db: Database,
    starts: ParkedStarts,
    { origin, limit }: { readonly origin: string; readonly limit: number },
    onUnclaimable: (key: string, error: unknown) => void,
  ) {
    this.#db = db;
    this.#starts = starts;
    this.#origin = origin;
    this.#limit = limit;
    this.#onUnclaimable = onUnclaimable;
  }

  readonly look = async (): Promise<readonly string[]> => {
    const origin = this.#origin;
    const start = this.#starts.of(origin);
    const end = parkedEnd(origin);
    const found = await this.#db.keys({ gte: start, lt: end, limit: this.#limit });
    const last = found.at(-1);
    this.#starts.taken(origin, last === undefined ? start : keyAfter(last));
    this.#entries = found.map(parkedEntryOf);
    return this.#entries.map(({ key }) => key);
  };

  apply(view: View): Answer<ParkedClaims> {
    const claims = this.#entries.flatMap((entry) => {
      try {
        return this.#claim(view, entry) ?? [];
      } catch (error) {
        this.#onUnclaimable(entry.key, error);
        return [];
      }
    });
    return () => ({ claims, hasFound: this.#entries.length > 0 });
  }

  #claim(view: View, { key, firing: name }: ParkedEntry): Claim | undefined {
    const plan = view.plan(key);
    const firing = plan && unfinishedAt(plan, name, 'parked');
    if (plan === undefined || firing?.state.kind !== 'parked') return undefined;
    if (firing.state.origin !== this.#origin) return undefined;
    const after = resumed(plan, firing);
    view.set(key, after);
    return { firing: firingOf(after, firing), plan: after };
  }
}

/** Origins that have something parked, by one seek each. */
export async function parkedOrigins(
  db: Database,
  after: string | undefined,
  limit: number,
): Promise<readonly string[]> {
  const { start, end } = rangeOf('parked');
  const origins: string[] = [];
  for (let from = after === undefined ? start : parkedEnd(after); origins.length < limit;) {
    const [first] = await db.keys({ gte: from, lt: end, limit: 1 });
    if (first === undefined) break;
    const { origin } = parkedEntryOf(first);
    origins.push(origin);
    from = parkedEnd(origin);
  }
  return origins;
}
