import type { Clock, UnixSeconds } from '../core/time.ts';

/**
 * Yields the current second, and again whenever it is another one. Seconds may be missing (a stall, a
 * clock set forward) or come again (set back): the scheduler claims all that is due by then, and what
 * was claimed has left the agenda, so neither loses or repeats a firing. Ends when aborted.
 */
export async function* ticks(clock: Clock, signal: AbortSignal): AsyncGenerator<UnixSeconds> {
  while (!signal.aborted) {
    const second = clock.now();
    yield second;
    await clock.sleepWhile(second, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
