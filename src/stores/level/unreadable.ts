import type { Database } from './database.ts';
import type { Change } from './group-commit.ts';
import {
  agendaEntryOf,
  indexKeys,
  inFlightKey,
  keyAfter,
  type KeyKind,
  parkedEntryOf,
  rangeOf,
} from './keys.ts';

const pieceSize = 1_000;

/**
 * The index entries of that plan, found by reading all of them: of a record that cannot be read nothing
 * tells where they are. Takes seconds with millions of plans, beside other work.
 */
export async function findIndexKeys(db: Database, key: string): Promise<readonly Buffer[]> {
  const found: Buffer[] = [inFlightKey(key)];
  for (const kind of ['agenda', 'waiting', 'parked'] as const) {
    const { start, end } = rangeOf(kind);
    for (let from: Buffer | undefined = start; from !== undefined;) {
      const piece: readonly Buffer[] = await db.keys({ gte: from, lt: end, limit: pieceSize });
      found.push(...piece.filter((bytes) => planKeyIn(kind, bytes) === key));
      const last = piece.at(-1);
      from = last === undefined || piece.length < pieceSize ? undefined : keyAfter(last);
    }
  }
  return found;
}

const planKeyIn = (kind: KeyKind, bytes: Buffer): string | undefined =>
  kind === 'parked' ? parkedEntryOf(bytes).key : agendaEntryOf(bytes)?.key;

/** Takes away those of the index entries that the plan, as it is now, does not have. */
export const withoutStrayIndexes = (key: string, strays: readonly Buffer[]): Change<undefined> => ({
  reads: [key],
  apply: (view) => {
    const plan = view.plan(key);
    const own = plan === undefined ? [] : indexKeys(plan);
    const stray = strays.filter((bytes) => !own.some((kept) => kept.equals(bytes)));
    view.also((batch) => stray.forEach((bytes) => batch.del(bytes)));
    return () => undefined;
  },
});
