import { setTimeout as sleep } from 'node:timers/promises';

import { type Clock, unixSeconds } from '../core/time.ts';

/** The longest delay setTimeout knows; beyond it, it fires at once. */
const longestTimer = 2 ** 31 - 1;

/**
 * Naps end with the second, so a clock that is set, or a host that slept, is noticed within one. A timer
 * may come up to a millisecond early; the loop then naps again, so nobody is woken before the second is
 * over.
 */
export const systemClock: Clock = {
  now: () => unixSeconds(Date.now() / 1000),
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleepWhile(second, signal) {
    signal.throwIfAborted();
    while (systemClock.now() === second) {
      await sleep(1000 - (Date.now() % 1000), undefined, { signal });
    }
  },
  after(ms, callback) {
    let timer: NodeJS.Timeout;
    const end = performance.now() + ms;
    const nap = (): void => {
      const left = end - performance.now();
      timer = setTimeout(
        () => {
          if (left > longestTimer) nap();
          else callback();
        },
        Math.min(left, longestTimer),
      ).unref();
    };
    nap();
    return () => clearTimeout(timer);
  },
};
