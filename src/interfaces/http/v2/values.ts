import { z } from 'zod';

// What a schema says of a bad value, as its message, ends the sentence "…, expected".

export function wholeNumber(lowest: number, highest: number) {
  const expected = `a whole number, ${lowest} to ${highest}`;
  return z.int(expected).min(lowest, expected).max(highest, expected);
}

export const text = (expected: string) => z.string(expected);

/** Texts by name: a map, for any name is a name like any other. */
export const texts = z.map(z.string(), z.string('a text'), 'an object of texts');
