import {
  addSeconds,
  type Cancel,
  type Clock,
  unixSeconds,
  type UnixSeconds,
} from '../../src/core/time.ts';

interface Sleeper {
  readonly second: UnixSeconds;
  readonly wake: () => void;
}

/** Time that stands still until a test moves it; setting the clock leaves monotonic time alone. */
export class FakeClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  readonly #sleepers = new Set<Sleeper>();
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  constructor(now = unixSeconds(1_700_000_000)) {
    this.#wallMs = now * 1000;
  }

  now(): UnixSeconds {
    return unixSeconds(this.#wallMs / 1000);
  }

  nowMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** How many timers wait for time to pass. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  sleepWhile(second: UnixSeconds, signal: AbortSignal): Promise<void> {
    // The reason of an AbortSignal is `any` by the standard.
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (second !== this.now()) return Promise.resolve();
    return new Promise((wake, reject) => {
      const abort = (): void => {
        if (this.#sleepers.delete(sleeper)) reject(signal.reason as Error);
      };
      const sleeper = {
        second,
        wake: () => {
          signal.removeEventListener('abort', abort);
          wake();
        },
      };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', abort);
    });
  }

  after(ms: number, callback: () => void): Cancel {
    const timer = { at: this.#monotonicMs + ms, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Lets that much time pass, wakes whom it concerns, then lets all promises that are ready run. */
  async advance(seconds: number): Promise<void> {
    this.#monotonicMs += seconds * 1000;
    for (const timer of [...this.#timers].sort((a, b) => a.at - b.at)) {
      if (timer.at <= this.#monotonicMs && this.#timers.delete(timer)) timer.callback();
    }
    await this.set(addSeconds(this.now(), seconds));
  }

  /** Sets the wall clock, either way, while no time passes. */
  async set(now: UnixSeconds): Promise<void> {
    this.#wallMs = now * 1000;
    for (const sleeper of [...this.#sleepers]) {
      if (sleeper.second !== this.now() && this.#sleepers.delete(sleeper)) sleeper.wake();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
