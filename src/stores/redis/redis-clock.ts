import { type Cancel, type Clock, type UnixSeconds, unixSeconds } from '../../core/time.ts';

/** How long what one answer told is held to be true; Redis's own clock may be set back meanwhile. */
const windowMs = 10_000;

/**
 * Redis's clock, as far as its answers tell: that it was so late when an answer was made, which is before
 * the answer came. So this clock is behind it by what the fastest answer of late took, and never before it.
 * Between answers, and while Redis is away, it goes on with this machine's monotonic time; the wall clock
 * of this machine is never asked.
 */
export class RedisClock implements Clock {
  readonly #clock: Clock;
  /** Redis's milliseconds at monotonic time 0, at least: of this window, and of the one before. */
  #now = -Infinity;
  #before = -Infinity;
  #windowEndMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Redis's clock said so; the answer has just come. */
  observe(micros: number): void {
    const monotonicMs = this.#clock.monotonicMs();
    if (monotonicMs >= this.#windowEndMs) {
      this.#before = this.#now;
      this.#now = -Infinity;
      this.#windowEndMs = monotonicMs + windowMs;
    }
    this.#now = Math.max(this.#now, micros / 1000 - monotonicMs);
  }

  nowMs(): number {
    return this.#clock.monotonicMs() + Math.max(this.#now, this.#before);
  }

  now(): UnixSeconds {
    return unixSeconds(this.nowMs() / 1000);
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  after(ms: number, callback: () => void): Cancel {
    return this.#clock.after(ms, callback);
  }

  async sleepWhile(second: UnixSeconds, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.now() === second) await this.#nap(1000 - (this.nowMs() % 1000), signal);
  }

  #nap(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        cancel();
        reject(signal.reason as Error);
      };
      const cancel = this.#clock.after(ms, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
