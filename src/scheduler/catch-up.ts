import type { Clock } from '../core/time.ts';

/** How many late firings may be claimed now: at most `perSecond` in any second of monotonic time. */
export class CatchUpBudget {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #left: number;
  #since: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#since = clock.monotonicMs();
  }

  /** What is left now; what an idle second did not use is not saved up. */
  left(): number {
    const now = this.#clock.monotonicMs();
    const earned = Math.floor(((now - this.#since) * this.#perSecond) / 1000);
    if (earned > 0) {
      this.#left = Math.min(this.#perSecond, this.#left + earned);
      this.#since = now;
    }
    return this.#left;
  }

  spend(firings: number): void {
    this.#left = Math.max(0, this.#left - firings);
  }
}
