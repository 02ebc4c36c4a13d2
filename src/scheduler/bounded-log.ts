import type { Log, LogFields } from '../core/log.ts';
import type { Clock } from '../core/time.ts';

const windowMs = 60_000;
const usualLines = 10;
/** Subjects told apart; further ones share one window. */
const maxSubjects = 1_000;
const otherSubjects = 'others';

interface Window {
  readonly event: string;
  readonly about: string;
  readonly endMs: number;
  lines: number;
  leftOut: number;
}

/**
 * A log that no target can fill: of one event about one subject it writes the first lines of a minute, ten
 * unless told otherwise, then one that tells how many it left out.
 */
export class BoundedLog {
  readonly #log: Log;
  readonly #clock: Clock;
  /** In the order in which they end. */
  readonly #windows = new Map<string, Window>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  warn(about: string, event: string, fields: LogFields, most = usualLines): void {
    if (this.#mayWrite(event, about, most)) this.#log.warn(event, fields);
  }

  error(about: string, event: string, fields: LogFields): void {
    if (this.#mayWrite(event, about, usualLines)) this.#log.error(event, fields);
  }

  /** Tells what was left out in the minutes that have ended; to be called at each tick. */
  tick(): void {
    this.#endUntil(this.#clock.monotonicMs());
  }

  /** Tells what was left out so far. */
  flush(): void {
    this.#endUntil(Infinity);
  }

  #mayWrite(event: string, about: string, most: number): boolean {
    const window = this.#windowOf(event, about);
    if (window.lines < most) window.lines += 1;
    else window.leftOut += 1;
    return window.leftOut === 0;
  }

  #windowOf(event: string, about: string): Window {
    const known = this.#windows.get(`${event} ${about}`);
    if (known !== undefined) return known;
    if (this.#windows.size >= maxSubjects && about !== otherSubjects)
      return this.#windowOf(event, otherSubjects);
    const endMs = this.#clock.monotonicMs() + windowMs;
    const window = { event, about, endMs, lines: 0, leftOut: 0 };
    this.#windows.set(`${event} ${about}`, window);
    return window;
  }

  #endUntil(nowMs: number): void {
    for (const [key, { event, about, endMs, leftOut }] of this.#windows) {
      if (endMs > nowMs) return;
      this.#windows.delete(key);
      if (leftOut > 0) this.#log.warn('log_lines_left_out', { of: event, about, count: leftOut });
    }
  }
}
