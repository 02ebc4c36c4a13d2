import type { Clock } from '../core/time.ts';
import type { Output } from './output.ts';

const redrawMs = 200;

/** A line that counts on a terminal, and is gone when all is done; elsewhere nothing. */
export class Progress {
  readonly #notes: Output;
  readonly #clock: Clock;
  readonly #what: string;
  readonly #startedMs: number;
  #drawnMs: number | undefined;
  #count = 0;

  /** `what` stands behind the number: "plans removed". */
  constructor(what: string, { notes, clock }: { readonly notes: Output; readonly clock: Clock }) {
    this.#what = what;
    this.#notes = notes;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  get count(): number {
    return this.#count;
  }

  async add(count = 1): Promise<void> {
    this.#count += count;
    if (!this.#notes.isTerminal) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - (this.#drawnMs ?? this.#startedMs) < redrawMs) return;
    this.#drawnMs = nowMs;
    const perSecond = Math.round(this.#count / ((nowMs - this.#startedMs) / 1_000));
    const text = `${grouped(this.#count)} ${this.#what}, ${grouped(perSecond)}/s`;
    await this.#notes.write(`\r\x1b[K${this.#notes.paint('faint', text)}`);
  }

  /** Takes the line away. */
  async end(): Promise<void> {
    if (this.#drawnMs !== undefined) await this.#notes.write('\r\x1b[K');
  }
}

/** A number for people: 1,234,567. */
export const grouped = (count: number): string => count.toLocaleString('en-US');

/** So many plans, for people. */
export const countedPlans = (count: number): string =>
  `${grouped(count)} ${count === 1 ? 'plan' : 'plans'}`;
