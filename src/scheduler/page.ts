import { badArgument } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';

/** A part of a list, in its order. */
export interface Page<T, Cursor> {
  readonly items: readonly T[];
  /** Behind which the next page begins; absent when nothing follows. */
  readonly next?: Cursor;
}

/** Plans are read so many at a time, for each may have large params. */
const pieceSize = 64;
/** A page of plans ends where its params pass this, in UTF-16 units. */
const maxPageLength = 4 * 1024 * 1024;

/** How many items a page may have; refuses with bad_argument what is no number of items. */
export function pageLimit(limit: number, most: number): number {
  if (Number.isInteger(limit) && limit >= 1) return Math.min(limit, most);
  throw badArgument(`limit is ${limit}, expected a whole number from 1 on`);
}

/** The page of at most `limit` of what was found; of which one more tells that more follows. */
export function pageOf<T, Cursor>(
  found: readonly T[],
  limit: number,
  cursorOf: (item: T) => Cursor,
): Page<T, Cursor> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return found.length <= limit || last === undefined ? { items } : { items, next: cursorOf(last) };
}

/** At most `limit` plans behind `after`, of the pages that `read` answers; fewer when they are large. */
export async function gatherPlans<Cursor>(
  limit: number,
  after: Cursor | undefined,
  read: (after: Cursor | undefined, limit: number) => Promise<Page<Plan, Cursor>>,
): Promise<Page<Plan, Cursor>> {
  const items: Plan[] = [];
  let length = 0;
  for (let behind = after; ;) {
    const piece = await read(behind, Math.min(pieceSize, limit - items.length));
    items.push(...piece.items);
    if (piece.next === undefined) return { items };
    for (const plan of piece.items) length += paramsLength(plan);
    if (items.length >= limit || length > maxPageLength) return { items, next: piece.next };
    behind = piece.next;
  }
}

function paramsLength({ params }: Plan): number {
  let length = 0;
  for (const [name, value] of params) length += name.length + value.length;
  return length;
}
