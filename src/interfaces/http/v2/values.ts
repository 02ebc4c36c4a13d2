import { z } from 'zod';

import { isObject, type Json } from '../json.ts';

// What a schema says of a bad value, as its message, ends the sentence "…, expected".

export function wholeNumber(lowest: number, highest: number) {
  const expected = `a whole number, ${lowest} to ${highest}`;
  return z.int(expected).min(lowest, expected).max(highest, expected);
}

export const text = (expected: string) => z.string(expected);

/** An object of these fields and no others. */
export const object = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, 'an object');

/** Texts by name: a map, for any name is a name like any other. The first that is no text is refused. */
export const texts = z
  .custom<Json>()
  .meta({ type: 'object', additionalProperties: { type: 'string' } })
  .transform((given, context): ReadonlyMap<string, string> => {
    const texts = new Map<string, string>();
    if (!isObject(given)) {
      context.addIssue('an object of texts');
      return z.NEVER;
    }
    for (const [name, value] of given) {
      if (typeof value !== 'string') {
        context.addIssue({ code: 'custom', path: [name], message: 'a text' });
        return z.NEVER;
      }
      texts.set(name, value);
    }
    return texts;
  });
