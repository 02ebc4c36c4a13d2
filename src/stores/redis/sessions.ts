import type { Log } from '../../core/log.ts';
import type { Cancel, Clock } from '../../core/time.ts';
import { RedisAway } from './script-runner.ts';
import type { Session } from './session.ts';

export interface SessionsOptions {
  /** One in each partition. */
  readonly sessions: readonly Session[];
  readonly clock: Clock;
  readonly log: Log;
  readonly leaseSeconds: number;
  /** Called after each renewal, in whatever partition, to look after what others have left behind. */
  readonly onRenewed: () => void;
}

/** A lease is renewed so often in its time. */
const renewals = 3;
const againMs = 250;

/** Renews a node's leases in all partitions: one that does not answer costs the lease in no other. */
export class Sessions {
  readonly #options: SessionsOptions;
  #next: Cancel | undefined;
  #isEnded = false;
  /** Why one could not be renewed, as it was told last. */
  #trouble = '';

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  async begin(): Promise<void> {
    await Promise.all(this.#options.sessions.map((session) => session.renew()));
    this.#renewAfter(this.#periodMs);
  }

  /** Ends those that it can; rejects when there was another. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#next?.();
    const ends = this.#options.sessions.map((session) => session.end());
    // Those that can shall have ended before the connection does.
    await Promise.allSettled(ends);
    await Promise.all(ends);
  }

  get #periodMs(): number {
    return (this.#options.leaseSeconds * 1000) / renewals;
  }

  #renewAfter(ms: number): void {
    this.#next = this.#options.clock.after(ms, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { sessions, onRenewed } = this.#options;
    const outcomes = await Promise.allSettled(sessions.map((session) => session.renew()));
    const failures = outcomes.filter((one) => one.status === 'rejected');
    this.#tell(failures[0]);
    if (failures.length < outcomes.length) onRenewed();
    if (!this.#isEnded) this.#renewAfter(failures.length === 0 ? this.#periodMs : againMs);
  }

  /** The same once, until all are renewed again; that Redis is away is told by the connection. */
  #tell(failed: PromiseRejectedResult | undefined): void {
    const trouble = failed === undefined ? '' : String(failed.reason);
    if (failed?.reason instanceof RedisAway || this.#trouble === trouble) return;
    this.#trouble = trouble;
    if (failed !== undefined) this.#options.log.error('lease_not_renewed', { error: trouble });
  }
}
