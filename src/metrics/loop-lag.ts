import type { Cancel, Clock } from '../core/time.ts';
import type { Buckets } from './buckets.ts';

const everyMs = 100;
/** The longest lag is remembered for one to two of these. */
const windowMs = 5_000;

/** Measures again and again by how much the event loop is late, which everything else then is, too. */
export class LoopLag {
  readonly #clock: Clock;
  readonly #buckets: Buckets;
  #cancel: Cancel = () => undefined;
  #windowEndsMs = 0;
  #longestMs = 0;
  #longestBeforeMs = 0;

  constructor(clock: Clock, buckets: Buckets) {
    this.#clock = clock;
    this.#buckets = buckets;
  }

  start(): void {
    const startMs = this.#clock.monotonicMs();
    this.#cancel = this.#clock.after(everyMs, () => {
      this.#note(this.#clock.monotonicMs() - startMs - everyMs);
      this.start();
    });
  }

  async stop(): Promise<void> {
    this.#cancel();
  }

  /** The longest lag of the last seconds. */
  recentSeconds(): number {
    this.#turn();
    return Math.max(this.#longestMs, this.#longestBeforeMs) / 1000;
  }

  #note(lagMs: number): void {
    this.#turn();
    const ms = Math.max(lagMs, 0); // a timer may come a little early
    this.#longestMs = Math.max(this.#longestMs, ms);
    this.#buckets.observe(ms / 1000);
  }

  #turn(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#windowEndsMs) return;
    const isNext = nowMs < this.#windowEndsMs + windowMs;
    this.#longestBeforeMs = isNext ? this.#longestMs : 0;
    this.#longestMs = 0;
    this.#windowEndsMs = nowMs + windowMs;
  }
}
