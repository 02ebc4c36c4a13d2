import { constants } from 'node:os';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/**
 * Ctrl-C reaches every process of the terminal, and npm passes its own copy on: what comes this soon
 * after the first is the same wish, not a second one.
 */
const sameWishMs = 250;

/** Resolves at the first stop signal; a second one ends the process at once, with 128 and its number. */
export function stopSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const hear = (signal: StopSignal): void => {
      if (firstAt === undefined) {
        firstAt = performance.now();
        resolve(signal);
      } else if (performance.now() - firstAt > sameWishMs) {
        process.exit(128 + constants.signals[signal]);
      }
    };
    process.on('SIGINT', hear);
    process.on('SIGTERM', hear);
  });
}
