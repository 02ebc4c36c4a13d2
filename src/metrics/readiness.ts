/** How the server is, as far as serving goes. */
export interface Condition {
  /** Why the store takes no changes; undefined while it does. */
  readonly storeTrouble: string | undefined;
  /** Since the clockwork heard a new second; undefined before the first. */
  readonly tickAgeSeconds: number | undefined;
  /** Since all that was due had been claimed; undefined before the first time. */
  readonly claimLagSeconds: number | undefined;
  /** The longest the event loop kept a timer waiting of late. */
  readonly loopLagSeconds: number;
}

export interface Check {
  readonly ok: boolean;
  /** How late it is, if that is what it tells. */
  readonly seconds?: number;
  /** Why it is not ok. */
  readonly reason?: string;
}

export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<'store' | 'clock' | 'due' | 'loop', Check>>;
}

/** Whether clients should be sent here, and which check says no. */
export function readinessOf(condition: Condition, maxLagSeconds: number): Readiness {
  const { storeTrouble, tickAgeSeconds, claimLagSeconds, loopLagSeconds } = condition;
  const lag = (seconds: number | undefined, what: string): Check => {
    if (seconds === undefined) return { ok: false, reason: 'the clockwork has not begun' };
    const rounded = Math.round(seconds * 1000) / 1000;
    if (seconds <= maxLagSeconds) return { ok: true, seconds: rounded };
    return { ok: false, seconds: rounded, reason: `${what}, expected ${maxLagSeconds} s at most` };
  };
  const checks = {
    store: storeTrouble === undefined ? { ok: true } : { ok: false, reason: storeTrouble },
    clock: lag(tickAgeSeconds, 'no second has begun for too long'),
    due: lag(claimLagSeconds, 'what is due has not all been taken up for too long'),
    loop: lag(loopLagSeconds, 'the event loop was held up for too long'),
  };
  return { ready: Object.values(checks).every(({ ok }) => ok), checks };
}
