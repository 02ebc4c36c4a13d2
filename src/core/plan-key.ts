import type { Clock } from './time.ts';

/** Makes a key for a plan whose client gave none. */
export type PlanKeys = () => string;

const counterLimit = 2 ** 16;
const randomSize = 8;
/** Random bytes are drawn for this many keys at once: a draw costs more than a key. */
const keysPerDraw = 128;

/**
 * Keys of 32 hexadecimal digits: 12 of the time in milliseconds, 4 of a counter within it, 16 random ones.
 * In the order they were made they are sorted, though the clock be set back; servers that share a store are
 * told apart by the random part.
 */
export function planKeys(
  clock: Pick<Clock, 'nowMs'>,
  randomBytes: (size: number) => Uint8Array,
): PlanKeys {
  let lastMs = -1;
  let counter = 0;
  let drawn = '';
  return () => {
    const nowMs = Math.floor(clock.nowMs());
    if (nowMs > lastMs) [lastMs, counter] = [nowMs, 0];
    else if (++counter === counterLimit) [lastMs, counter] = [lastMs + 1, 0];
    if (drawn === '') drawn = Buffer.from(randomBytes(randomSize * keysPerDraw)).toString('hex');
    const random = drawn.slice(0, 2 * randomSize);
    drawn = drawn.slice(2 * randomSize);
    return hex(lastMs, 12) + hex(counter, 4) + random;
  };
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
