import type { Log } from '../../core/log.ts';
import type { Clock } from '../../core/time.ts';
import { escaped } from '../../wire/text.ts';

const quietMs = 1_000;
const maxTextLength = 512;

interface Silence {
  readonly untilMs: number;
  suppressed: number;
}

/** Warns of what clients do, of each kind at most once a second, so that no client can fill the log. */
export class Complaints {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #silences = new Map<string, Silence>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** The event must be one of a few; text may hold what a client sent, as it came. */
  warn(event: string, peer: string, text: string): void {
    const nowMs = this.#clock.monotonicMs();
    const silence = this.#silences.get(event);
    if (silence !== undefined && nowMs < silence.untilMs) {
      silence.suppressed++;
      return;
    }
    this.#silences.set(event, { untilMs: nowMs + quietMs, suppressed: 0 });
    const reason = escaped(text, maxTextLength);
    this.#log.warn(event, { peer, reason, suppressed: silence?.suppressed ?? 0 });
  }
}
