import { type UnixSeconds, unixSeconds } from '../core/time.ts';
import { zoneOf } from '../core/zone.ts';

/**
 * The original took UTC's wall clock for that of its server: its times are the true ones less what the
 * server's zone is ahead of UTC, without daylight saving. This tells what to add again.
 */
export interface SourceZone {
  readonly trueTime: (stored: number) => UnixSeconds;
}

export const shiftedBy = (seconds: number): SourceZone => ({
  trueTime: (stored) => unixSeconds(stored + seconds),
});

/** Of a server that ran in that zone; refuses one that there is not with bad_argument. */
export function zoneNamed(name: string): SourceZone {
  const zone = zoneOf(name);
  const offsetAt = (time: number): number => zone.spanAt(unixSeconds(time)).offset;
  // Both halves of the year around it: the lesser offset is the one without daylight saving.
  const standardAt = (stored: number): number =>
    Math.min(offsetAt(stored), offsetAt(stored - halfYear), offsetAt(stored + halfYear));
  return { trueTime: (stored) => unixSeconds(stored + standardAt(stored)) };
}

const halfYear = 182 * 86_400;

/** A time that the original wrote down, and when that was, by a clock that is right. */
export interface Witness {
  readonly stored: number;
  readonly writtenAt: number;
}

/** Zones are ahead of or behind UTC by quarters of an hour. */
const quarter = 15 * 60;
const farthestAhead = 14 * 3_600;
const farthestBehind = -12 * 3_600;
/** By which clocks may differ, and a busy server be late. */
const tolerance = 60;

/** By how much times have to be shifted, as each witness says that is one; several answers are none. */
export function shiftsOf(witnesses: readonly Witness[]): readonly number[] {
  const shifts = witnesses.flatMap(({ stored, writtenAt }) => {
    const difference = writtenAt - stored;
    const shift = Math.round(difference / quarter) * quarter;
    const isZone = shift >= farthestBehind && shift <= farthestAhead;
    return isZone && Math.abs(difference - shift) <= tolerance ? [shift] : [];
  });
  return [...new Set(shifts)];
}

/** As people write it: UTC+08:00. */
export function shiftText(seconds: number): string {
  const minutes = Math.abs(seconds) / 60;
  const two = (number: number): string => String(Math.floor(number)).padStart(2, '0');
  return `UTC${seconds < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}
