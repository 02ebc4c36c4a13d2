import { isOutcome, type Outcome, type PreparedAction, type Run } from '../actions/action.ts';
import type { Clock } from '../core/time.ts';

/** How long an action may take to let go once its signal has aborted; then it is given up. */
const letGoMs = 15_000;

/** The reason with which a run's signal aborts at its deadline. */
export class DeadlineReached extends Error {
  override readonly name = 'DeadlineReached';
}

/** The reason with which it aborts when the server stops and will not wait any longer. */
export class ServerStopping extends Error {
  override readonly name = 'ServerStopping';
}

export type Ending =
  | { readonly kind: 'ended'; readonly outcome: Outcome }
  | { readonly kind: 'deadline'; readonly seconds: number }
  | { readonly kind: 'stopped' };

/** One run under its deadline. Always ends, whatever the action does or fails to do. */
export class RunUnderDeadline {
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  readonly #timeoutSeconds: number;

  constructor(clock: Clock, timeoutSeconds: number) {
    this.#clock = clock;
    this.#timeoutSeconds = timeoutSeconds;
  }

  async end(action: PreparedAction, run: Omit<Run, 'signal'>): Promise<Ending> {
    const { signal } = this.#abort;
    const cancelDeadline = this.#clock.after(this.#timeoutSeconds * 1000, () =>
      this.#abort.abort(new DeadlineReached(`not done in ${this.#timeoutSeconds} s`)),
    );
    const letGo = this.#afterAbort(letGoMs);
    try {
      const outcome = await Promise.race([outcomeOf(action, { ...run, signal }), letGo.passed]);
      if (signal.reason instanceof ServerStopping) return { kind: 'stopped' };
      return outcome === undefined || signal.aborted
        ? { kind: 'deadline', seconds: this.#timeoutSeconds }
        : { kind: 'ended', outcome };
    } finally {
      cancelDeadline();
      letGo.cancel();
    }
  }

  stop(): void {
    this.#abort.abort(new ServerStopping('the server stops'));
  }

  #afterAbort(ms: number): { passed: Promise<undefined>; cancel: () => void } {
    let cancel = (): void => undefined;
    const passed = new Promise<undefined>((resolve) => {
      const wait = (): void => {
        cancel = this.#clock.after(ms, () => resolve(undefined));
      };
      this.#abort.signal.addEventListener('abort', wait, { once: true });
    });
    return { passed, cancel: () => cancel() };
  }
}

/** A throw, or an answer that is none, is a bug of the action: it costs this firing and nothing else. */
async function outcomeOf(action: PreparedAction, run: Run): Promise<Outcome> {
  try {
    const outcome: unknown = await action.run(run);
    if (isOutcome(outcome)) return outcome;
    return { kind: 'failed', reason: 'the action broke: its answer is no outcome' };
  } catch (error) {
    return { kind: 'failed', reason: `the action broke: ${String(error)}` };
  }
}
