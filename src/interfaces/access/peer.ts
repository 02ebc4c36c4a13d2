import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** Where a connection comes from, and what it has shown of itself. */
export interface Peer {
  /** Its IP address; undefined on a Unix socket. */
  readonly address: string | undefined;
  readonly isEncrypted: boolean;
  /** It has a client certificate that our CA has signed. */
  readonly hasCertificate: boolean;
}

/** What clients on a Unix socket are called, since they have no address. */
export const onUnixSocket = 'unix';

/** The peer of a connection on a Unix socket. */
export const unixPeer: Peer = { address: undefined, isEncrypted: false, hasCertificate: false };

/** The peer of a TCP connection; what a proxy says of others does not count. */
export function peerOf(socket: Socket): Peer {
  const isEncrypted = socket instanceof TLSSocket;
  // One that has gone has no address, and must not pass for a Unix socket.
  const address = socket.remoteAddress ?? 'unknown';
  return { address, isEncrypted, hasCertificate: isEncrypted && socket.authorized };
}
