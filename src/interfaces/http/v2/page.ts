import { z } from 'zod';

import type { Page } from '../../../scheduler/page.ts';
import type { Cursor } from './cursor.ts';
import type { Answer, AnswerFacts } from './operation.ts';

/** What a page says of the one behind it. */
export const nextPage = {
  next_cursor: z
    .string()
    .exactOptional()
    .describe('Asks for the next page; absent: nothing follows'),
  next: z.string().exactOptional().describe('Path and query of the next page'),
};

/** A list that is answered page by page. */
export interface PagedList<Item, Place> {
  readonly path: string;
  /** The field of a page that its items are in. */
  readonly items: string;
  readonly page: z.ZodType;
  readonly cursor: Cursor<Place>;
  placeOf(item: Item): Place;
  /** No answer takes more bytes to say that one. */
  mostBytes(item: Item): number;
  show(item: Item): object;
}

export const pageFacts = ({ items, page }: Pick<PagedList<never, never>, 'items' | 'page'>) =>
  ({
    description: `A page of ${items}; fewer than \`limit\` are not the end of the list, no \`next\` is`,
    schema: page,
  }) satisfies AnswerFacts;

/** What was found, as far as one reply of so many bytes holds it; the next page is asked with `query`, too. */
export function pageAnswer<Item, Place>(
  list: PagedList<Item, Place>,
  found: Page<Item, Place>,
  query: Readonly<Record<string, string | number | undefined>>,
  replyBytes: number,
): Answer {
  const { items, next } = fitting(list, found, replyBytes);
  const body = { [list.items]: items.map((item) => list.show(item)) };
  if (next === undefined) return { status: 200, body };
  const cursor = list.cursor.write(next);
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  search.set('cursor', cursor);
  const path = `${list.path}?${search.toString()}`;
  return { status: 200, body: { ...body, next_cursor: cursor, next: path } };
}

/** As much of the page as one reply may hold, though it be one item. */
function fitting<Item, Place>(
  list: PagedList<Item, Place>,
  found: Page<Item, Place>,
  bytes: number,
): Page<Item, Place> {
  let left = bytes;
  const over = found.items.findIndex((item) => (left -= list.mostBytes(item)) < 0);
  if (over < 0) return found;
  const items = found.items.slice(0, Math.max(over, 1));
  const last = items.at(-1);
  return items.length === found.items.length || last === undefined
    ? found
    : { items, next: list.placeOf(last) };
}
