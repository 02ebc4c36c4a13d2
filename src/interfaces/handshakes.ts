import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';

import type { Counters } from '../metrics/counters.ts';
import type { Complaints } from './complaints.ts';

/** The door that clients shake hands at. */
export interface HandshakeDoor {
  readonly timeoutMs: number;
  /** Among these they take room. */
  readonly connections: { hold(address: string): () => void };
  readonly counters: Counters;
  readonly complaints: Complaints;
}

interface Handshake {
  readonly socket: Socket;
  readonly giveRoomBack: () => void;
}

/**
 * The clients of a TLS server that are shaking hands. Each takes room as a connection does, and is seen off. The
 * server must not allow sockets half open: who ends in the middle would be waited for; who has shaken hands may.
 */
export class Handshakes {
  readonly #door: HandshakeDoor;
  /** By their ends: the TLS socket that is made of one does not tell which. */
  readonly #underWay = new Map<string, Handshake>();
  /** Of the handshake whose socket has closed just now: the TLS socket fails behind it, without an address. */
  #closedAddress: string | undefined;

  constructor(server: Server, door: HandshakeDoor) {
    this.#door = door;
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      const raw = this.#end(endsOf(socket));
      const reason = failureOf(error, socket, door.timeoutMs);
      if (reason !== undefined) {
        door.counters.add('connections_refused_count');
        const peer = socket.remoteAddress ?? this.#closedAddress ?? 'unknown';
        door.complaints.warn('tls_handshake_failed', { peer, reason });
      }
      this.#closedAddress = undefined;
      raw?.destroy();
    });
    server.on('secureConnection', (socket) => {
      this.#end(endsOf(socket));
      socket.allowHalfOpen = true;
    });
  }

  begin(socket: Socket, address: string): void {
    const ends = endsOf(socket);
    const handshake = { socket, giveRoomBack: this.#door.connections.hold(address) };
    this.#underWay.set(ends, handshake);
    socket.prependOnceListener('close', () => {
      if (this.#underWay.get(ends) !== handshake) return;
      this.#end(ends);
      this.#closedAddress = address;
    });
  }

  destroy(): void {
    for (const { socket } of this.#underWay.values()) socket.destroy();
  }

  /** It came to TLS, or will not; the socket below it. */
  #end(ends: string): Socket | undefined {
    const handshake = this.#underWay.get(ends);
    this.#underWay.delete(ends);
    handshake?.giveRoomBack();
    return handshake?.socket;
  }
}

const endsOf = ({ remoteAddress, remotePort, localAddress }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress}`;

/** Why there was no handshake, for the log; undefined when the client just went away. */
function failureOf(
  { code = '', message }: NodeJS.ErrnoException,
  socket: TLSSocket,
  timeoutMs: number,
): string | undefined {
  const judgement: unknown = socket.authorizationError; // the code, whatever its type says
  if (typeof judgement === 'string') return `its certificate is not accepted: ${judgement}`;
  if (code === 'ECONNRESET') return undefined;
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return `no handshake within ${timeoutMs} ms`;
  return reasons[code] ?? (code || message);
}

const withoutTls = 'it speaks without TLS, which this port has';
const reasons: Readonly<Partial<Record<string, string>>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: withoutTls,
  ERR_SSL_HTTP_REQUEST: withoutTls,
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'it showed no client certificate',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it speaks no TLS of version 1.2 or later',
};
