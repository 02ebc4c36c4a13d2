import { isOutcome, type Outcome, type PreparedAction, type Run } from '../actions/action.ts';
import { thrownText } from '../core/thrown-text.ts';
import type { Cancel, Clock } from '../core/time.ts';

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
  #cancel: Cancel = () => undefined;
  /** What it comes to when the action does not let go after the abort. */
  #giveUp: () => void = () => undefined;

  constructor(clock: Clock, timeoutSeconds: number) {
    this.#clock = clock;
    this.#timeoutSeconds = timeoutSeconds;
  }

  async end(action: PreparedAction, run: Omit<Run, 'signal'>): Promise<Ending> {
    const { signal } = this.#abort;
    const seconds = this.#timeoutSeconds;
    this.#cancel = this.#clock.after(seconds * 1000, () =>
      this.#cut(new DeadlineReached(`not done in ${seconds} s`)),
    );
    const outcome = await new Promise<Outcome | undefined>((resolve) => {
      this.#giveUp = () => resolve(undefined);
      void outcomeOf(action, { ...run, signal }).then(resolve);
    });
    this.#cancel();
    // What is done is done, however late the action says so.
    if (outcome !== undefined && (outcome.kind === 'done' || !signal.aborted)) {
      return { kind: 'ended', outcome };
    }
    return signal.reason instanceof ServerStopping
      ? { kind: 'stopped' }
      : { kind: 'deadline', seconds };
  }

  stop(): void {
    this.#cut(new ServerStopping('the server stops'));
  }

  #cut(reason: Error): void {
    if (this.#abort.signal.aborted) return;
    this.#cancel();
    this.#cancel = this.#clock.after(letGoMs, this.#giveUp);
    this.#abort.abort(reason);
  }
}

/** A throw, or an answer that is none, is a bug of the action: it costs this firing and nothing else. */
async function outcomeOf(action: PreparedAction, run: Run): Promise<Outcome> {
  try {
    const outcome: unknown = await action.run(run);
    if (isOutcome(outcome)) return outcome;
    return { kind: 'failed', reason: 'the action broke: its answer is no outcome' };
  } catch (error) {
    return { kind: 'failed', reason: `the action broke: ${thrownText(error)}` };
  }
}
