import { randomBytes } from 'node:crypto';

import type { Log } from '../../core/log.ts';
import type { ScriptRunner } from './script-runner.ts';

export interface SessionOptions {
  readonly partition: number;
  readonly base: string;
  readonly runner: ScriptRunner;
  readonly log: Log;
  readonly leaseSeconds: number;
  /** Redis says so: what it had may be gone with all else. */
  readonly onLost: () => void;
}

/**
 * This node's lease on all that it has in flight in one partition. Its name is the fencing token: once
 * the lease is lost, by a pause or a partition of the network, it never holds anything again; the node
 * goes on under a new name, and what the old one held is claimed again by whoever finds it. Leases in
 * other partitions are others: a shard that was away costs what this node has there, and no more.
 */
export class Session {
  readonly #options: SessionOptions;
  #id = newId();
  /** The lease of that name has begun, as far as is known. */
  #hasBegun = false;
  #beginning: Promise<void> | undefined;
  #isEnded = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get base(): string {
    return this.#options.base;
  }

  get id(): string {
    return this.#id;
  }

  /** Begins the lease, or makes it last; rejects when that cannot be told. */
  async renew(): Promise<void> {
    const { runner, base, leaseSeconds } = this.#options;
    const id = this.#id;
    const isNew = this.#hasBegun ? 0 : 1;
    const { rest } = await runner.run('renew', base, [id, leaseSeconds * 1_000_000, isNew]);
    if (id !== this.#id) return;
    if (rest[0] === 1) this.#hasBegun = true;
    else this.lost(id);
  }

  /** The lease of that name is over: goes on under a new one. */
  lost(id: string): void {
    if (this.#isEnded || this.#beginning !== undefined || id !== this.#id) return;
    const { log, partition, onLost } = this.#options;
    if (this.#hasBegun) log.warn('lease_lost', { partition, session: id });
    onLost();
    this.#id = newId();
    this.#hasBegun = false;
    // Where that fails, the next renewal begins it, and tells why it cannot.
    this.#beginning = this.renew()
      .catch(() => undefined)
      .finally(() => (this.#beginning = undefined));
  }

  /** What it holds, others may take at once. */
  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#beginning;
    const { runner, base } = this.#options;
    await runner.run('leave', base, [this.#id]);
  }
}

const newId = (): string => randomBytes(9).toString('base64url');
