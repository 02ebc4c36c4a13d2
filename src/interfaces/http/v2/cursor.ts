import { z } from 'zod';

import type { AgendaPlace } from '../../../core/plan.ts';
import { unixSeconds } from '../../../core/time.ts';

// Opaque to clients: the letter keeps one list's cursor from being taken for another's.

export const keyCursor = cursor(
  (key: string) => `k${key}`,
  (text) => (text.startsWith('k') ? text.slice(1) : undefined),
);

export const agendaCursor = cursor(
  ({ fireTime, key }: AgendaPlace) => `a${fireTime}:${key}`,
  (text) => {
    const [, time, key] = /^a(\d{1,15}):([^]*)$/.exec(text) ?? [];
    return key === undefined ? undefined : { fireTime: unixSeconds(Number(time)), key };
  },
);

export const failureCursor = cursor(
  (number: number) => `f${number}`,
  (text) => {
    const number = /^f\d{1,16}$/.test(text) ? Number(text.slice(1)) : undefined;
    return Number.isSafeInteger(number) ? number : undefined;
  },
);

/** A place in a list as clients hand it back. */
export interface Cursor<Place> {
  readonly schema: z.ZodType<Place, string>;
  write(place: Place): string;
}

function cursor<Place>(
  textOf: (place: Place) => string,
  placeOf: (text: string) => Place | undefined,
): Cursor<Place> {
  const expected = 'the next_cursor of the page before';
  const write = (place: Place): string => Buffer.from(textOf(place)).toString('base64url');
  const schema = z.string(expected).transform((given, context) => {
    const place = placeOf(Buffer.from(given, 'base64url').toString());
    if (place !== undefined && write(place) === given) return place;
    context.addIssue(expected);
    return z.NEVER;
  });
  return { schema, write };
}
