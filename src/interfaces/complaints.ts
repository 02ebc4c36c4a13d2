import type { Log, LogFields } from '../core/log.ts';
import type { Clock } from '../core/time.ts';
import { escaped } from '../wire/text.ts';

const quietMs = 1_000;
const maxTextLength = 512;

interface Silence {
  readonly untilMs: number;
  suppressed: number;
}

/** Logs what goes wrong with clients, each event at most once a second, so that none can fill the log. */
export class Complaints {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #silences = new Map<string, Silence>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** What a client did. The event is one of a few; fields may hold what the client sent, as it came. */
  warn(event: string, fields: LogFields): void {
    const suppressed = this.#suppressedBefore(event);
    if (suppressed !== undefined) this.#log.warn(event, { ...harmless(fields), suppressed });
  }

  /** What we did: a bug, or an outage that should have had a code. */
  error(event: string, fields: LogFields, error: unknown): void {
    const suppressed = this.#suppressedBefore(event);
    if (suppressed === undefined) return;
    const frame = error instanceof Error ? error.stack?.split('\n    at ')[1] : undefined;
    const reason = harmless({ reason: String(error), at: frame });
    this.#log.error(event, { ...harmless(fields), ...reason, suppressed });
  }

  /** How often the event was kept quiet since it was logged last; undefined when it is to be now. */
  #suppressedBefore(event: string): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    const silence = this.#silences.get(event);
    if (silence !== undefined && nowMs < silence.untilMs) {
      silence.suppressed++;
      return undefined;
    }
    this.#silences.set(event, { untilMs: nowMs + quietMs, suppressed: 0 });
    return silence?.suppressed ?? 0;
  }
}

const harmless = (fields: LogFields): LogFields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? escaped(value, maxTextLength) : value,
    ]),
  );
