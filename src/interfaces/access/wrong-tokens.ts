import { BoundedCache } from '../../core/bounded-cache.ts';
import type { Clock } from '../../core/time.ts';
import { hashOf, tokenLength } from './token-line.ts';

/** So many wrong tokens from one place at once, and one more after each pause. */
const atOnce = 10;
const pauseMs = 6_000;
/** Places, and guesses, that are remembered. */
const maxKnown = 10_000;

/**
 * Slows down who guesses: a place runs up a debt of time with each wrong token, and time pays it off. The
 * same one again is no further guess, so that a client with a token of yesterday, which tries and tries,
 * does not keep out those who share its address.
 */
export class WrongTokens {
  readonly #clock: Clock;
  /** When the debt of a place is paid off. */
  readonly #paidMs = new BoundedCache<string, number>(maxKnown);
  /** Wrong tokens by their hashes, each with its place. */
  readonly #known = new BoundedCache<string, true>(maxKnown);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Seconds until a token from there is looked at; 0: now. */
  waitSeconds(place: string): number {
    const debtMs = (this.#paidMs.get(place) ?? 0) - this.#clock.monotonicMs();
    return Math.max(0, Math.ceil((debtMs - (atOnce - 1) * pauseMs) / 1000));
  }

  /** Notes a wrong token. */
  add(place: string, token: string): void {
    const guess = `${place} ${hashOf(token.slice(0, tokenLength.max + 1)).toString('base64')}`;
    if (this.#known.get(guess) !== undefined) return;
    this.#known.set(guess, true);
    const debtFromMs = Math.max(this.#paidMs.get(place) ?? 0, this.#clock.monotonicMs());
    this.#paidMs.set(place, debtFromMs + pauseMs);
  }
}
