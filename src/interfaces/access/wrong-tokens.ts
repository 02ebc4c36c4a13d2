import { BoundedCache } from '../../core/bounded-cache.ts';
import type { Clock } from '../../core/time.ts';

/** So many wrong tokens from one place at once, and one more after each pause. */
const atOnce = 10;
const pauseMs = 6_000;

/** Slows down who guesses: a place runs up a debt of time with each wrong token, and time pays it off. */
export class WrongTokens {
  readonly #clock: Clock;
  /** When the debt of a place is paid off. */
  readonly #paidMs = new BoundedCache<string, number>(10_000);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Seconds until a token from there is looked at; 0: now. */
  waitSeconds(place: string): number {
    const debtMs = (this.#paidMs.get(place) ?? 0) - this.#clock.monotonicMs();
    return Math.max(0, Math.ceil((debtMs - (atOnce - 1) * pauseMs) / 1000));
  }

  /** Notes one wrong token. */
  add(place: string): void {
    const debtFromMs = Math.max(this.#paidMs.get(place) ?? 0, this.#clock.monotonicMs());
    this.#paidMs.set(place, debtFromMs + pauseMs);
  }
}
