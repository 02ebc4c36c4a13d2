import { randomBytes } from 'node:crypto';

import type { Log } from '../../core/log.ts';
import type { Cancel, Clock } from '../../core/time.ts';
import { RedisAway, type ScriptRunner } from './script-runner.ts';

export interface SessionOptions {
  readonly bases: readonly string[];
  readonly runner: ScriptRunner;
  readonly clock: Clock;
  readonly log: Log;
  readonly leaseSeconds: number;
  readonly onLost: () => void;
  /** Called after each renewal, in whatever partition, to look after what others have left behind. */
  readonly onRenewed: () => void;
}

/** A lease is renewed so often in its time. */
const renewals = 3;
const againMs = 250;

/**
 * This node's lease on all that it has in flight, in every partition. Its name is the fencing token: once
 * the lease is lost, by a pause or a partition of the network, it never holds anything again; the node
 * goes on under a new name, and what the old one held is claimed again by whoever finds it.
 */
export class Session {
  readonly #options: SessionOptions;
  #id = newId();
  /** Bases in which the lease of that name has begun. */
  #begunIn = new Set<string>();
  #next: Cancel | undefined;
  #beginning: Promise<void> | undefined;
  #isEnded = false;
  /** Why it could not be renewed, as it was told last. */
  #trouble = '';

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#id;
  }

  async begin(): Promise<void> {
    const { failed } = await this.#renew();
    if (failed !== undefined) throw failed.reason;
    this.#renewAfter(this.#periodMs);
  }

  /** The lease of that name is over: goes on under a new one. */
  lost(id: string): void {
    if (this.#isEnded || this.#beginning !== undefined || id !== this.#id) return;
    this.#options.log.warn('lease_lost', { session: this.#id });
    this.#options.onLost();
    this.#id = newId();
    this.#begunIn = new Set();
    this.#beginning = this.#renew().then(({ failed }) => {
      this.#told(failed);
      this.#beginning = undefined;
    });
  }

  /** What it holds, others may take at once. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#next?.();
    await this.#beginning;
    const { bases, runner } = this.#options;
    await Promise.all(bases.map((base) => runner.run('leave', base, [this.#id])));
  }

  get #periodMs(): number {
    return (this.#options.leaseSeconds * 1000) / renewals;
  }

  #renewAfter(ms: number): void {
    this.#next = this.#options.clock.after(ms, () => {
      void this.#renew().then(({ answered, failed }) => {
        this.#told(failed);
        if (answered > 0) this.#options.onRenewed();
        if (!this.#isEnded) this.#renewAfter(failed === undefined ? this.#periodMs : againMs);
      });
    });
  }

  /** In each base by itself: one that does not answer costs the lease in no other. */
  async #renew(): Promise<{ answered: number; failed: PromiseRejectedResult | undefined }> {
    const id = this.#id;
    const begunIn = this.#begunIn;
    const outcomes = await Promise.allSettled(
      this.#options.bases.map((base) => this.#renewIn(base, id, begunIn)),
    );
    if (outcomes.some((one) => one.status === 'fulfilled' && !one.value)) this.lost(id);
    const failures = outcomes.filter((one) => one.status === 'rejected');
    return { answered: outcomes.length - failures.length, failed: failures[0] };
  }

  /** False: the lease is lost. */
  async #renewIn(base: string, id: string, begunIn: Set<string>): Promise<boolean> {
    const { runner, leaseSeconds } = this.#options;
    const isNew = begunIn.has(base) ? 0 : 1;
    const { rest } = await runner.run('renew', base, [id, leaseSeconds * 1_000_000, isNew]);
    const isHeld = rest[0] === 1;
    if (isHeld) begunIn.add(base);
    return isHeld;
  }

  /** The same once, until it is renewed again; that Redis is away is told by the connection. */
  #told(failed: PromiseRejectedResult | undefined): void {
    const trouble = failed === undefined ? '' : String(failed.reason);
    if (failed?.reason instanceof RedisAway || this.#trouble === trouble) return;
    this.#trouble = trouble;
    if (failed === undefined) return;
    this.#options.log.error('lease_not_renewed', { error: this.#trouble });
  }
}

const newId = (): string => randomBytes(9).toString('base64url');
