import type { Cancel, Clock } from '../core/time.ts';

/** What ends a run before its time: its own timeout, or the run's signal. */
export class RunCut {
  /** Rejects when the run is cut: a race with it ends whatever the run waits for. */
  readonly happens: Promise<never>;
  readonly #runSignal: AbortSignal;
  readonly #onAbort = (): void => {
    this.#cut('the run was stopped');
  };
  readonly #cancelTimeout: Cancel;
  #reason: string | undefined;
  #reject: (error: Error) => void = () => undefined;
  #letGo: (() => void) | undefined;

  constructor(clock: Clock, runSignal: AbortSignal, timeoutSeconds: number) {
    this.#runSignal = runSignal;
    this.happens = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.happens.catch(() => undefined); // nobody looks once the run has ended
    this.#cancelTimeout = clock.after(timeoutSeconds * 1000, () => {
      this.#cut(`not within ${timeoutSeconds} s`);
    });
    if (runSignal.aborted) this.#onAbort();
    else runSignal.addEventListener('abort', this.#onAbort);
  }

  /** Set once the run is cut. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** How to let go of what the run holds, when it is cut (at once if it is); replaces the one before. */
  onCut(letGo: () => void): void {
    this.#letGo = letGo;
    if (this.#reason !== undefined) letGo();
  }

  /** To be called when the run has ended. */
  forget(): void {
    this.#cancelTimeout();
    this.#runSignal.removeEventListener('abort', this.#onAbort);
  }

  #cut(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#reject(new Error(reason));
    this.#letGo?.();
  }
}
