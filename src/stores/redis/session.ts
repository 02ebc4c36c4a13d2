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
  /** Called after each renewal, to look after what others have left behind. */
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
    await this.#renew(true);
    this.#renewIn(this.#periodMs);
  }

  /** The lease of that name is over: goes on under a new one. */
  lost(id: string): void {
    if (this.#isEnded || this.#beginning !== undefined || id !== this.#id) return;
    this.#options.log.warn('lease_lost', { session: this.#id });
    this.#id = newId();
    this.#beginning = this.#renew(true)
      .catch((error: unknown) => this.#told(error))
      .finally(() => (this.#beginning = undefined));
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

  #renewIn(ms: number): void {
    this.#next = this.#options.clock.after(ms, () => {
      void this.#renew(false)
        .then(() => {
          this.#options.onRenewed();
          return this.#periodMs;
        })
        .catch((error: unknown) => {
          this.#told(error);
          return againMs;
        })
        .then((nextMs) => {
          if (!this.#isEnded) this.#renewIn(nextMs);
        });
    });
  }

  async #renew(isNew: boolean): Promise<void> {
    const { bases, runner, leaseSeconds } = this.#options;
    const id = this.#id;
    const args = [id, leaseSeconds * 1_000_000, isNew ? 1 : 0];
    const answers = await Promise.all(bases.map((base) => runner.run('renew', base, args)));
    const isHeld = answers.every(({ rest }) => rest[0] === 1);
    this.#trouble = '';
    if (!isHeld) this.lost(id);
  }

  /** The same once, until it is renewed again; that Redis is away is told by the connection. */
  #told(error: unknown): void {
    if (error instanceof RedisAway || this.#trouble === String(error)) return;
    this.#trouble = String(error);
    this.#options.log.error('lease_not_renewed', { error: this.#trouble });
  }
}

const newId = (): string => randomBytes(9).toString('base64url');
