import type { Run } from './action.ts';

export const firingHeaderNames = [
  'X-FORSUN-TIMESTAMP',
  'X-FORSUN-KEY',
  'X-FORSUN-FIRE-ID',
  'X-FORSUN-ATTEMPT',
] as const;

/** What tells a receiver which firing it gets, as flat name and value pairs. */
export function firingHeaders({ fireTime, key, fireId, attempt }: Run): string[] {
  const values = {
    'X-FORSUN-TIMESTAMP': String(fireTime),
    'X-FORSUN-KEY': printable(key),
    'X-FORSUN-FIRE-ID': printable(fireId),
    'X-FORSUN-ATTEMPT': String(attempt),
  };
  return firingHeaderNames.flatMap((name) => [name, values[name]]);
}

/**
 * Percent-encodes, as UTF-8, `%`, what is not printable ASCII, and blanks at either end (HTTP drops
 * those): decodeURIComponent gives the text back.
 */
export function printable(text: string): string {
  return /^(?! )[ -$&-~]*(?<! )$/.test(text)
    ? text
    : text.replace(/[^ -$&-~]+|^ +| +$/gu, (part) => {
        const hex = Buffer.from(part, 'utf8').toString('hex').toUpperCase();
        return hex.replace(/../g, '%$&');
      });
}
