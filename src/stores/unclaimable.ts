import { quote } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Counters } from '../metrics/counters.ts';

const maxReported = 1000;

/** Says and counts once of each plan, of the newest thousand, that it cannot be claimed or read. */
export class Unclaimable {
  readonly #reported = new Set<string>();
  readonly #log: Log;
  readonly #counters: Counters;

  constructor(log: Log, counters: Counters) {
    this.#log = log;
    this.#counters = counters;
  }

  report(key: string, error: unknown): void {
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    const [first] = this.#reported;
    if (this.#reported.size > maxReported && first !== undefined) this.#reported.delete(first);
    this.#counters.add('store_error_count');
    const reason = error instanceof Error ? error.message : String(error);
    this.#log.error('plan_unclaimable', { key: quote(key), reason });
  }
}
