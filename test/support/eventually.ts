import { setTimeout as sleep } from 'node:timers/promises';

import { vi } from 'vitest';

/** Waits until what the network or another process brings has come; rejects when it does not. */
export async function eventually(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries === 4_000) throw new Error('it did not come to hold');
    await sleep(5);
  }
}

/**
 * Tries it until it passes, and resolves to what it returned; rejects with its last error. The patience
 * is that of a busy machine: nothing is said by how long it takes.
 */
export const eventuallyPasses = <T>(attempt: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(attempt, { timeout: 25_000, interval: 20 });
