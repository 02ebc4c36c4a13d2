import type { Cancel, Clock } from '../core/time.ts';

/** What ends a run before its time: its own timeout, or the run's signal. */
export class RunCut {
  readonly #cancelTimeout: Cancel;
  readonly #runSignal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #onAbort: () => void;
  #reason: string | undefined;
  #reject: (error: Error) => void = () => undefined;

  /** Rejects when the run is cut; for races, as not all that waits listens to a signal. */
  readonly happens: Promise<never>;

  constructor(clock: Clock, runSignal: AbortSignal, timeoutSeconds: number) {
    this.#runSignal = runSignal;
    this.happens = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.happens.catch(() => undefined); // a run that has ended first does not look
    this.#cancelTimeout = clock.after(timeoutSeconds * 1000, () => {
      this.#cut(`not within ${timeoutSeconds} s`);
    });
    this.#onAbort = () => {
      this.#cut('the run was stopped');
    };
    if (runSignal.aborted) this.#onAbort();
    else runSignal.addEventListener('abort', this.#onAbort);
  }

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
    const error = new Error(reason);
    this.#abort.abort(error);
    this.#reject(error);
  }
}
