import type { Cancel, Clock } from '../core/time.ts';

/** What ends a run before its time: its own timeout, or the run's signal. */
export class RunCut {
  readonly #abort = new AbortController();
  readonly #runSignal: AbortSignal;
  readonly #onAbort = (): void => {
    this.#cut('the run was stopped');
  };
  readonly #cancelTimeout: Cancel;
  #reason: string | undefined;

  constructor(clock: Clock, runSignal: AbortSignal, timeoutSeconds: number) {
    this.#runSignal = runSignal;
    this.#cancelTimeout = clock.after(timeoutSeconds * 1000, () => {
      this.#cut(`not within ${timeoutSeconds} s`);
    });
    if (runSignal.aborted) this.#onAbort();
    else runSignal.addEventListener('abort', this.#onAbort);
  }

  /** Aborts when the run is cut. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Set once the run is cut. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** To be called when the run has ended. */
  forget(): void {
    this.#cancelTimeout();
    this.#runSignal.removeEventListener('abort', this.#onAbort);
  }

  #cut(reason: string): void {
    this.#reason ??= reason;
    this.#abort.abort(new Error(reason));
  }
}
