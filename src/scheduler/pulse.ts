import type { Clock } from '../core/time.ts';

/** How long ago the clockwork did what it has to do every second; undefined before the first time. */
export interface PulseReading {
  readonly tickAgeSeconds: number | undefined;
  /** Since all that was due had been claimed. */
  readonly claimLagSeconds: number | undefined;
}

/** Remembers when the clockwork last did what it has to do. */
export class Pulse {
  readonly #clock: Clock;
  #tickedMs: number | undefined;
  #claimedAllMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ticked(): void {
    this.#tickedMs = this.#clock.monotonicMs();
  }

  /** Takes the time at which a claim was asked for that left nothing due. */
  claimedAll(askedMs: number): void {
    this.#claimedAllMs = askedMs;
  }

  read(): PulseReading {
    const nowMs = this.#clock.monotonicMs();
    const since = (ms: number | undefined): number | undefined =>
      ms === undefined ? undefined : (nowMs - ms) / 1000;
    return { tickAgeSeconds: since(this.#tickedMs), claimLagSeconds: since(this.#claimedAllMs) };
  }
}
