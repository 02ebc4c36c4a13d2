import { planNotStored } from '../../src/core/errors.ts';
import type { Database } from '../../src/stores/level/database.ts';

/** How a write fails: nothing of it reaches the disk, or all of it, unknown to the caller. */
export type WriteFault = 'lost' | 'landed';

/** A database whose writes fail on demand, as one on a bad disk does: from then on until it is reopened. */
export class FailingDatabase implements Database {
  readonly #real: Database;
  readonly #onReopened: () => Promise<void>;
  #next: WriteFault | undefined;
  #isBroken = false;

  constructor(real: Database, onReopened: () => Promise<void>) {
    this.#real = real;
    this.#onReopened = onReopened;
  }

  get isFull(): boolean {
    return this.#real.isFull;
  }

  get trouble(): string | undefined {
    return this.#isBroken ? 'the disk is broken' : this.#real.trouble;
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  failNext(fault: WriteFault): void {
    this.#next = fault;
  }

  /** The process dies: nothing it does reaches the disk any more. */
  die(): void {
    this.#isBroken = true;
  }

  async heal(): Promise<void> {
    this.#next = undefined;
    if (!this.#isBroken) return;
    await this.#onReopened();
    this.#isBroken = false;
  }

  getMany(...args: Parameters<Database['getMany']>) {
    return this.#real.getMany(...args);
  }

  entries(...args: Parameters<Database['entries']>) {
    return this.#real.entries(...args);
  }

  keys(...args: Parameters<Database['keys']>) {
    return this.#real.keys(...args);
  }

  async write(fill: Parameters<Database['write']>[0]): Promise<void> {
    if (this.#isBroken) throw planNotStored('the disk is broken');
    const fault = this.#next;
    if (fault === undefined) return this.#real.write(fill);
    this.#next = undefined;
    this.#isBroken = true;
    if (fault === 'landed') await this.#real.write(fill);
    throw planNotStored('the disk broke');
  }

  close(): Promise<void> {
    return this.#real.close();
  }
}
