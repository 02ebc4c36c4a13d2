import type { Redis } from 'ioredis';

import type { Log } from '../../core/log.ts';
import type { Cancel, Clock } from '../../core/time.ts';
import type { RedisClient } from './client.ts';
import { addressText } from './settings.ts';

export interface WatchDeps {
  readonly log: Log;
  readonly clock: Clock;
  /** Where a connection that is not a node's of a cluster leads to, or is to lead. */
  readonly address: () => string;
  /** Called whenever one that was lost is back. */
  readonly onConnected: () => void;
}

/** Of a cluster whose nodes have new addresses all the time, the oldest are forgotten. */
const maxServers = 1_000;

/** Tells of connections that are lost and come back, and knows why one was not made. */
export class ConnectionWatch {
  readonly #deps: WatchDeps;
  readonly #servers = new Map<string, ServerWatch>();
  #failure: Error | undefined;
  #isTelling = false;

  constructor(client: RedisClient, deps: WatchDeps) {
    this.#deps = deps;
    for (const event of ['error', 'sentinelError', 'node error']) {
      client.on(event, (error: Error & { lastNodeError?: Error }) => {
        if (!isEcho(error)) this.#failure = error.lastNodeError ?? error;
      });
    }
    if (client.isCluster) client.on('+node', (node: Redis) => this.#watch(node, nodeAddress(node)));
    else this.#watch(client as Redis, '');
  }

  /** Why a connection was not made or was lost, the newest of all; undefined while none was. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** From here on, what changes is told. */
  tell(): void {
    this.#isTelling = true;
  }

  stop(): void {
    this.#isTelling = false;
    for (const server of this.#servers.values()) server.stop();
  }

  #watch(connection: Redis, node: string): void {
    let reason: string | undefined;
    let isReady = false;
    connection.on('error', (error: Error) => {
      if (!isEcho(error)) reason = error.message;
    });
    connection.on('ready', () => {
      isReady = true;
      reason = undefined;
      if (!this.#isTelling) return;
      this.#serverOf(node).connected();
      this.#deps.onConnected();
    });
    connection.on('close', () => {
      if (this.#isTelling && isReady) this.#serverOf(node).lost(reason);
      else if (this.#isTelling) this.#serverOf(node).notConnected(reason);
      isReady = false;
    });
  }

  #serverOf(node: string): ServerWatch {
    const known = this.#servers.get(node);
    if (known !== undefined) return known;
    const [oldest] = this.#servers.keys();
    if (oldest !== undefined && this.#servers.size >= maxServers) this.#servers.delete(oldest);
    const address = node === '' ? this.#deps.address : () => node;
    const server = new ServerWatch({ ...this.#deps, address });
    this.#servers.set(node, server);
    return server;
  }
}

/** Of what was sent when the connection was given up already; why it was, has been heard before. */
const isEcho = ({ message }: Error): boolean => message.startsWith("Stream isn't writeable");

export const nodeAddress = ({ options: { host = '', port = 0 } }: Redis): string =>
  addressText({ host, port });

/** A connection that comes and goes is told of so often at most. */
const quietMs = 10_000;

/** One server: each loss and return is told, or counted while it is too soon to tell of another. */
class ServerWatch {
  readonly #deps: WatchDeps;
  #lostMs: number | undefined;
  #reason: string | undefined;
  #isLossTold = false;
  #toldMs = -Infinity;
  #untold = 0;
  #later: Cancel | undefined;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  lost(reason = 'the connection was closed'): void {
    const nowMs = this.#deps.clock.monotonicMs();
    this.#lostMs = nowMs;
    this.#reason = reason;
    const quietForMs = this.#toldMs + quietMs - nowMs;
    if (quietForMs <= 0) {
      this.#tellLoss();
    } else {
      this.#untold += 1;
      this.#later ??= this.#deps.clock.after(quietForMs, () => {
        this.#later = undefined;
        if (this.#lostMs !== undefined) this.#tellLoss();
      });
    }
  }

  connected(): void {
    const { address, log } = this.#deps;
    const lostMs = this.#lostMs;
    this.#lostMs = undefined;
    if (lostMs === undefined || !this.#isLossTold) return;
    this.#isLossTold = false;
    log.info('store_redis_connected', { address: address(), lost: this.#secondsAway(lostMs) });
  }

  /** It stays away, for a reason that is told when it is another one than was told before. */
  notConnected(reason: string | undefined): void {
    const isNew = reason !== undefined && reason !== this.#reason;
    if (this.#lostMs === undefined || !this.#isLossTold || !isNew) return;
    if (this.#toldMs + quietMs > this.#deps.clock.monotonicMs()) return;
    this.#reason = reason;
    this.#tellLoss(this.#secondsAway(this.#lostMs));
  }

  stop(): void {
    this.#later?.();
  }

  #secondsAway(lostMs: number): string {
    return `${Math.round((this.#deps.clock.monotonicMs() - lostMs) / 100) / 10} s`;
  }

  #tellLoss(lost?: string): void {
    const { address, clock, log } = this.#deps;
    log.warn('store_redis_lost', {
      address: address(),
      reason: this.#reason,
      ...(lost === undefined ? {} : { lost }),
      ...(this.#untold === 0 ? {} : { before: this.#untold }),
    });
    this.#isLossTold = true;
    this.#untold = 0;
    this.#toldMs = clock.monotonicMs();
  }
}
