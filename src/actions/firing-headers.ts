import type { Run } from './action.ts';

/** What tells a receiver which firing it gets, as flat name and value pairs. */
export const firingHeaders = (run: Run): string[] => [
  'X-FORSUN-TIMESTAMP',
  String(run.fireTime),
  'X-FORSUN-KEY',
  printable(run.key),
  'X-FORSUN-FIRE-ID',
  printable(run.fireId),
  'X-FORSUN-ATTEMPT',
  String(run.attempt),
];

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
