import type { Firing } from '../core/firing.ts';
import type { Clock } from '../core/time.ts';
import type { Store } from '../stores/store.ts';
import type { BoundedLog } from './bounded-log.ts';

/** Between attempts while the store does not answer. */
const againMs = 200;

export interface ConfirmationDeps {
  readonly store: Pick<Store, 'confirm'>;
  readonly clock: Clock;
  readonly log: BoundedLog;
}

interface Asked {
  readonly firing: Firing;
  readonly resolve: (isOurs: boolean) => void;
}

/**
 * Asks a shared store, just before a run, whether its firing is still ours to run: on another node its plan
 * may have been removed or replaced, and our lease may be lost. All that is asked while an answer is under
 * way is asked together.
 */
export class Confirmation {
  readonly #deps: ConfirmationDeps;
  #asked: Asked[] = [];
  #asking: Promise<void> | undefined;
  #isStopping = false;

  constructor(deps: ConfirmationDeps) {
    this.#deps = deps;
  }

  /** False: somebody else may fire it. While the store does not answer, neither does this, until stopped. */
  isOurs(firing: Firing): Promise<boolean> {
    return new Promise((resolve) => this.#add({ firing, resolve }));
  }

  /** Nothing more is ours to start. */
  stop(): void {
    this.#isStopping = true;
  }

  #add(asked: Asked): void {
    this.#asked.push(asked);
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
  }

  async #ask(): Promise<void> {
    // All that starts in one turn of the loop is asked at once.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#asked.length > 0) {
      const asked = this.#asked.splice(0);
      const answers = await this.#answers(asked.map(({ firing }) => firing));
      for (const [at, one] of asked.entries()) {
        const isOurs = answers[at];
        if (isOurs !== undefined || this.#isStopping) one.resolve(isOurs === true);
        else this.#deps.clock.after(againMs, () => this.#add(one));
      }
    }
  }

  async #answers(firings: readonly Firing[]): Promise<readonly (boolean | undefined)[]> {
    const { store, clock, log } = this.#deps;
    while (!this.#isStopping) {
      try {
        return (await store.confirm?.(firings)) ?? firings.map(() => true);
      } catch (error) {
        log.error('store', 'firings_not_confirmed', { error: String(error) });
        await new Promise<void>((resolve) => clock.after(againMs, resolve));
      }
    }
    return [];
  }
}
