import type { Firing } from '../core/firing.ts';
import type { Clock } from '../core/time.ts';
import type { Counters } from '../metrics/counters.ts';
import type { Settlement, Store } from '../stores/store.ts';
import type { BoundedLog } from './bounded-log.ts';

/** Between attempts while the store refuses changes. */
const againMs = 1_000;

export interface SettlingDeps {
  readonly store: Pick<Store, 'settle'>;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: BoundedLog;
  /** Parked firings of the origin are being claimed. */
  readonly isFetching: (origin: string) => boolean;
}

/** A firing in our hands, as far as its end goes. */
export class Unsettled {
  readonly firing: Firing;
  /** The store has handed it out anew: what it refused to note of it, it has noted all the same. */
  isSuperseded = false;

  constructor(firing: Firing) {
    this.firing = firing;
  }
}

/**
 * Tells the store how firings ended, again and again while it refuses. What was refused may have been
 * written and handed out anew. Then its repetition does nothing, for the attempt is another one; but what
 * is parked keeps its attempt, so its parking is not repeated once it is superseded, nor while a fetch may
 * be bringing it back.
 */
export class Settling {
  readonly #deps: SettlingDeps;
  #isStopping = false;

  constructor(deps: SettlingDeps) {
    this.#deps = deps;
  }

  /** Resolves once it is durable; when stopping also if it is refused, for then the next start settles it. */
  async settle(unsettled: Unsettled, settlement: Settlement): Promise<void> {
    const { counters, log, store } = this.#deps;
    try {
      await store.settle(unsettled.firing, settlement);
      return;
    } catch (error) {
      counters.add('store_error_count');
      log.error('store', 'firing_not_settled', { error: String(error) });
    }
    await this.#settleAgain(unsettled, settlement);
  }

  /** Repeats nothing any more. */
  stop(): void {
    this.#isStopping = true;
  }

  async #settleAgain(unsettled: Unsettled, settlement: Settlement): Promise<void> {
    const { clock, isFetching, store } = this.#deps;
    const { firing } = unsettled;
    while (!this.#isStopping) {
      await new Promise<void>((resolve) => clock.after(againMs, resolve));
      if (unsettled.isSuperseded) return;
      if (settlement.kind === 'parked' && isFetching(settlement.origin)) continue;
      const isSettled = await store.settle(firing, settlement).then(
        () => true,
        () => false,
      );
      if (isSettled) return;
    }
  }
}
