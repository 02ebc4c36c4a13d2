import type { ErrorCode } from '../core/errors.ts';
import type { Counters } from '../metrics/counters.ts';

/** Counts what a door refuses, by its code; what a caller may not have was counted where that was judged. */
export function countRefusal(counters: Counters, code: ErrorCode): void {
  if (code !== 'not_allowed') counters.add(`refused_${code}_count`);
}
