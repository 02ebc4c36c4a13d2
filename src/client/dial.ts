import { connect, isIP, isIPv6, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** How the server is to show who it is, and the client. All in PEM. */
export interface ClientTls {
  /** Authorities of which one must have signed the server's certificate; default: those Node trusts. */
  readonly ca?: string | Buffer;
  /** What the client shows of itself, for servers that ask. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name that the server's certificate must have; default: the host. */
  readonly servername?: string;
}

export interface Destination {
  readonly host: string;
  readonly port: number;
  /** A Unix socket, in place of host and port. */
  readonly path: string | undefined;
  /** Absent: without TLS. Only who sends no secret, and believes nothing, may let any certificate pass. */
  readonly tls: (ClientTls & { readonly rejectUnauthorized?: boolean }) | undefined;
}

/** A socket on its way there, and the event by which it tells that it has arrived. */
export function dial({ host, port, path, tls }: Destination): {
  readonly socket: Socket;
  readonly arrival: 'connect' | 'secureConnect';
} {
  const where = path === undefined ? { host, port } : { path };
  if (tls === undefined) return { socket: connect(where), arrival: 'connect' };
  const name = isIP(host) === 0 ? { servername: host } : {}; // an address is no name to ask for
  const socket = connectTls({ ...where, ...name, ...tls, minVersion: 'TLSv1.2' });
  return { socket, arrival: 'secureConnect' };
}

/** The destination in a message. */
export function addressOf({ host, port, path }: Destination): string {
  if (path !== undefined) return `unix:${path}`;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
