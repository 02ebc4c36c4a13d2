import { isIP } from 'node:net';

import type { Clock } from '../core/time.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import type { Dial } from './dial.ts';
import { HttpConnection, type HttpConnectionLimits } from './http-connection.ts';

/** Whom a request is for. */
export interface HttpTarget {
  readonly url: URL;
  /** The Host header where it is not the URL's own: over TLS it names the certificate. */
  readonly host?: string;
  readonly connectTimeoutSeconds: number;
}

export interface HttpConnectionSettings extends ConnectionLimits, HttpConnectionLimits {
  /** Certificates to trust (PEM) instead of Node's own roots. */
  readonly ca?: string;
}

/** Connections to HTTP servers; certificates are verified. */
export class HttpConnections {
  readonly #clock: Clock;
  readonly #dial: Dial;
  readonly #settings: HttpConnectionSettings;
  readonly #connections: Connections<HttpConnection>;

  constructor(clock: Clock, dial: Dial, settings: HttpConnectionSettings) {
    this.#clock = clock;
    this.#dial = dial;
    this.#settings = settings;
    this.#connections = new Connections(clock, settings);
  }

  /** As Connections.lend, on a connection that differs in nothing from what this target needs. */
  lend<T>(
    target: HttpTarget,
    signal: AbortSignal,
    use: (connection: HttpConnection) => Promise<T>,
  ): Promise<T> {
    const identity = JSON.stringify([target.url.origin, target.host]);
    return this.#connections.lend(identity, (until) => this.#open(target, until), signal, use);
  }

  close(): void {
    this.#connections.close();
  }

  async #open(target: HttpTarget, signal: AbortSignal): Promise<HttpConnection> {
    const { url, host, connectTimeoutSeconds: timeoutSeconds } = target;
    const isSecure = url.protocol === 'https:';
    const { ca } = this.#settings;
    const socket = await this.#dial({
      ...serverOf(url),
      timeoutSeconds,
      signal,
      ...(isSecure ? { tls: { name: nameOf(host ?? url.host), ca } } : {}),
    });
    return new HttpConnection(socket, url.origin, this.#clock, this.#settings);
  }
}

/** Whom a URL names. */
export const serverOf = (url: URL): { readonly host: string; readonly port: number } => ({
  host: hostOf(url),
  port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
});

/** Its name or address, an IPv6 one without brackets. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/** Whom a certificate must name, for a Host header; empty for an address, which TLS cannot ask for. */
function nameOf(host: string): string {
  const name = hostOf(new URL(`http://${host}`));
  return isIP(name) === 0 ? name : '';
}
