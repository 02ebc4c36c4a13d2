import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

import type { Clock } from '../core/time.ts';
import { type Egress, EgressRefused } from './egress.ts';
import type { Names } from './names.ts';
import type { Address } from './resolver-files.ts';

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** For the name and the connection together. */
  readonly timeoutSeconds: number;
  /** Gives the attempt up. */
  readonly signal?: AbortSignal;
  /** Absent: no TLS. */
  readonly tls?: TlsOptions;
}

export interface TlsOptions {
  /** Whom the certificate must name; empty: the host, an address. */
  readonly name: string;
  /** Certificates to trust (PEM) instead of Node's own roots. */
  readonly ca: string | undefined;
}

/**
 * A TCP connection to the target, or HTTP/1.1's TLS on it, its name looked up without the thread pool, to
 * an address that plans may reach. Rejects with a NameError, an EgressRefused, a ConnectTimeout, the system's
 * error, or the signal's reason; then nothing is left open.
 */
export type Dial = (options: DialOptions) => Promise<Socket>;

/** As `host:port`, for origins and reasons. */
export const addressOf = ({ host, port }: Pick<DialOptions, 'host' | 'port'>): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** The connection did not come about within its time. */
export class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout';
}

/**
 * A connection that is silent for that long is probed. Unless told, systems wait for two hours: a firewall
 * would have forgotten an idle connection long before, and the run that takes it would hear nothing.
 */
const KEEP_ALIVE_MS = 60_000;

/**
 * Of the time for a connection, what one address of a name gets while there are others: room for a first
 * packet that was lost, which the system sends again after a second. Node's 250 ms would give up the one
 * address that is reachable, and report another's error.
 */
const SHARE_OF_AN_ADDRESS = 1 / 3;

export function dialer(clock: Clock, names: Names, egress: Egress): Dial {
  return async ({ host, port, tls, ...limits }) => {
    const reachable = (addresses: readonly Address[]): readonly Address[] =>
      egress.reachable(addresses, port);
    const family = isIP(host);
    if (family === 4 || family === 6) reachable([{ address: host, family }]); // looked up by nobody
    const target = {
      host,
      port,
      lookup: names.lookup(reachable),
      autoSelectFamilyAttemptTimeout: Math.ceil(limits.timeoutSeconds * 1000 * SHARE_OF_AN_ADDRESS),
    };
    const socket =
      tls === undefined
        ? await connected(plainSocket(target), 'connect', clock, limits)
        : await connected(tlsSocket(target, tls), 'secureConnect', clock, limits);
    const refusal = egress.refusalOfEnds(socket);
    if (refusal === undefined) return socket;
    socket.destroy();
    throw new EgressRefused(refusal);
  };
}

const plainSocket = (target: TcpNetConnectOpts): Socket =>
  connect({
    ...target,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    noDelay: true,
  });

const tlsSocket = (target: TcpNetConnectOpts, { name, ca }: TlsOptions): TLSSocket =>
  connectTls({
    ...target,
    servername: name,
    ALPNProtocols: ['http/1.1'],
    ...(ca === undefined ? {} : { ca }),
  }).setNoDelay(true);

/** Waits for a socket to be connected; one that is not in time, or not at all, is destroyed. */
async function connected<S extends Socket>(
  socket: S,
  event: 'connect' | 'secureConnect',
  clock: Clock,
  { timeoutSeconds, signal }: Pick<DialOptions, 'timeoutSeconds' | 'signal'>,
): Promise<S> {
  const giveUp = (): void => {
    socket.destroy(signal?.reason instanceof Error ? signal.reason : new Error('given up'));
  };
  const cancelTimeout = clock.after(timeoutSeconds * 1000, () => {
    socket.destroy(new ConnectTimeout(`no connection within ${timeoutSeconds} s`));
  });
  // Kept: until its new owner listens, an error must not end the process.
  socket.on('error', () => undefined);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(event, resolve);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed before it was connected')));
      if (signal?.aborted === true) giveUp();
      else signal?.addEventListener('abort', giveUp);
    });
    return socket;
  } finally {
    cancelTimeout();
    signal?.removeEventListener('abort', giveUp);
  }
}
