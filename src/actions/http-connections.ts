import { setMaxListeners } from 'node:events';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

import { type Dispatcher, Pool } from 'undici';

import type { Clock } from '../core/time.ts';
import { connected } from './dial.ts';

/** All that makes a connection what it is: requests that differ in it share none. */
export interface Target {
  readonly origin: string;
  readonly connectTimeoutSeconds: number;
  /** The Host header where it is not the origin's own: over TLS it names the certificate. */
  readonly host?: string;
}

export interface ConnectionSettings {
  /** Origins whose connections are kept; beyond that the one used longest ago is let go. */
  readonly maxOrigins: number;
  /** Connections to one of them, which runs of one origin seldom pass; more wait for their turn. */
  readonly maxRunsPerOrigin: number;
  readonly maxResponseHeaderBytes: number;
  /** Certificates to trust (PEM) instead of Node's own roots. */
  readonly ca?: string;
}

/**
 * An idle connection is kept for less than two seconds: plans fire at whole seconds and servers close idle
 * connections after whole seconds, two at least, so a request never meets the closing one.
 */
const IDLE_MS = 1_500;
/** Then a busy connection is replaced too, so that a name that has moved is followed. */
const MAX_AGE_MS = 60_000;

/** Connections to HTTP servers, pooled by target; HTTP/1.1, certificates verified. */
export class HttpConnections {
  readonly #clock: Clock;
  readonly #lookup: LookupFunction;
  readonly #settings: ConnectionSettings;
  /** By target, the one used longest ago first. */
  readonly #pools = new Map<string, Pool>();
  readonly #closing = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(clock: Clock, lookup: LookupFunction, settings: ConnectionSettings) {
    // As many listen as connections are being made; Node warns of more than ten.
    setMaxListeners(0, this.#stop.signal);
    this.#clock = clock;
    this.#lookup = lookup;
    this.#settings = settings;
    setMaxListeners(0, this.#stop.signal); // each socket that connects listens
  }

  /** The dispatcher to hand the next request to; not to be kept. */
  to(target: Target): Dispatcher {
    const key = `${target.origin} ${target.connectTimeoutSeconds} ${target.host ?? ''}`;
    const pool = this.#pools.get(key) ?? this.#open(target);
    this.#pools.delete(key);
    this.#pools.set(key, pool);
    const [oldest] = this.#pools;
    if (oldest !== undefined && this.#pools.size > this.#settings.maxOrigins) {
      this.#pools.delete(oldest[0]);
      this.#letGo(oldest[1]);
    }
    return pool;
  }

  /** Ends all connections at once. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    this.#stop.abort();
    await Promise.all(pools.map((pool) => pool.destroy()));
    await Promise.all(this.#closing);
  }

  #open({ origin, connectTimeoutSeconds }: Target): Pool {
    return new Pool(origin, {
      connections: this.#settings.maxRunsPerOrigin,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      keepAliveTimeoutThreshold: 500,
      clientTtl: MAX_AGE_MS,
      maxHeaderSize: this.#settings.maxResponseHeaderBytes,
      headersTimeout: 0, // the whole request has its own deadline
      bodyTimeout: 0,
      connect: ({ hostname, port, protocol, servername }, callback) => {
        const connecting =
          protocol === 'https:'
            ? this.#tls(hostname, Number(port) || 443, servername)
            : this.#tcp(hostname, Number(port) || 80);
        const event = protocol === 'https:' ? 'secureConnect' : 'connect';
        const limits = { timeoutSeconds: connectTimeoutSeconds, signal: this.#stop.signal };
        connected(connecting, event, this.#clock, limits).then(
          (socket) => callback(null, socket),
          (error: unknown) => callback(error instanceof Error ? error : new Error('lost'), null),
        );
      },
    });
  }

  #tcp(host: string, port: number): Socket {
    return connectTcp({ host, port, lookup: this.#lookup, noDelay: true, keepAlive: true });
  }

  #tls(host: string, port: number, servername: string | undefined): TLSSocket {
    const { ca } = this.#settings;
    return connectTls({
      host,
      port,
      lookup: this.#lookup,
      servername: servername ?? (isIP(host) === 0 ? host : ''),
      ALPNProtocols: ['http/1.1'],
      ...(ca === undefined ? {} : { ca }),
    }).setNoDelay(true);
  }

  #letGo(pool: Pool): void {
    const closed: Promise<void> = pool.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}
