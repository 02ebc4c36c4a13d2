import type { Log } from '../core/log.ts';
import { thrownText } from '../core/thrown-text.ts';
import type { Cancel, Clock } from '../core/time.ts';
import { ExtensionError, type Step } from './extension-error.ts';
import type { Guests } from './guests.ts';

export interface StepDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly guests: Guests;
  readonly timeoutSeconds: number;
}

/** A server that stops is ended by its supervisor, or by itself, when it takes long. */
const maxClosingSeconds = 3;

export const closing = <Deps extends StepDeps>(deps: Deps): Deps => ({
  ...deps,
  timeoutSeconds: Math.min(deps.timeoutSeconds, maxClosingSeconds),
});

/** Who keeps everything else waiting for that long is told of. */
export const blockedMs = 1_000;
/** How often we look whether the loop still turns. */
const beatMs = 50;

/**
 * One step of an extension, under its name and deadline. Rejects with an ExtensionError when it throws,
 * rejects or is late; then what it still does is of no account. Warns when it kept everything else waiting.
 */
export async function runStep<T>(
  extension: string,
  step: Step,
  work: () => T | Promise<T>,
  { clock, log, guests, timeoutSeconds }: StepDeps,
): Promise<T> {
  let cancelDeadline: Cancel = () => undefined;
  const deadline = new Promise<never>((_, reject) => {
    cancelDeadline = clock.after(timeoutSeconds * 1000, () =>
      reject(new ExtensionError(extension, step, `it was not done within ${timeoutSeconds} s`)),
    );
  });
  const beat = new Beat(clock);
  try {
    return await Promise.race([guests.work(extension, async () => work()), deadline]);
  } catch (error) {
    if (error instanceof ExtensionError) throw error;
    throw new ExtensionError(extension, step, thrownText(error));
  } finally {
    cancelDeadline();
    const ms = beat.longestPause();
    if (ms >= blockedMs) log.warn('extension_blocked_server', { extension, step, ms });
  }
}

/** The longest time for which the loop did not turn. */
class Beat {
  readonly #clock: Clock;
  #last: number;
  #longest = 0;
  #cancel: Cancel = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = clock.monotonicMs();
    this.#next();
  }

  /** Ends the beat. */
  longestPause(): number {
    this.#cancel();
    this.#look();
    return Math.round(this.#longest);
  }

  #next(): void {
    this.#cancel = this.#clock.after(beatMs, () => {
      this.#look();
      this.#next();
    });
  }

  #look(): void {
    const now = this.#clock.monotonicMs();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }
}
