import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until what the network or another process brings has come; rejects when it does not. */
export async function eventually(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries === 2_000) throw new Error('it did not come to hold');
    await sleep(5);
  }
}
