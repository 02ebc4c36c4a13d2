/** What was observed so far. */
export interface Observed {
  /** Each bound, and how many values were at most that. */
  readonly upTo: readonly (readonly [bound: number, count: number])[];
  readonly count: number;
  readonly sum: number;
}

/**
 * A histogram of plain numbers. It is fed at every firing, which prom-client's own makes 20 times dearer;
 * only what reads it knows of Prometheus.
 */
export class Buckets {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** Takes upper bounds, inclusive, rising. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? Infinity)) at++;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  observed(): Observed {
    let count = 0;
    const upTo = this.#bounds.map(
      (bound, at) => [bound, (count += this.#counts[at] ?? 0)] as const,
    );
    return { upTo, count: count + (this.#counts.at(-1) ?? 0), sum: this.#sum };
  }
}
