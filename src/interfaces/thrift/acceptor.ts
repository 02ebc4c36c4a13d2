import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';

import { unixPath } from '../../core/unix-path.ts';
import { onUnixSocket, type Peer, peerOf, unixPeer } from '../access/peer.ts';
import type { TlsFiles } from '../access/tls-files.ts';
import { type HandshakeDoor, Handshakes } from '../handshakes.ts';
import { listenAt } from '../listen.ts';

/** Who hears of those that come. */
export interface Acceptance {
  readonly handshakes: HandshakeDoor;
  /** False: there is no room, and the socket is closed. */
  mayEnter(address: string): boolean;
  /** A client is there, with TLS where there is some; its bytes are to be read from that socket. */
  entered(socket: Socket, peer: Peer, address: string): void;
  /** Accepting has failed, as it does without file descriptors; it goes on. */
  acceptFailed(error: Error): void;
}

/** Listens on a TCP port, with TLS or without, or on a Unix socket, which has none. */
export class Acceptor {
  readonly #acceptance: Acceptance;
  readonly #server: Server;
  readonly #tls: { readonly server: TlsServer; readonly handshakes: Handshakes } | undefined;
  #isUnix = false;

  constructor(tls: TlsFiles | undefined, acceptance: Acceptance) {
    this.#acceptance = acceptance;
    // A client may send FIN behind its calls and still read the replies; with TLS, once it has shaken hands.
    const allowHalfOpen = tls === undefined;
    this.#server = createServer({ allowHalfOpen, noDelay: true }, (socket) => this.#accept(socket));
    if (tls !== undefined) {
      const server = this.#createTlsServer(tls);
      this.#tls = { server, handshakes: new Handshakes(server, acceptance.handshakes) };
    }
  }

  /** Rejects when the address, or unix:/path, cannot be had. */
  async listen(host: string, port: number): Promise<AddressInfo> {
    this.#isUnix = unixPath(host) !== undefined;
    const address = await listenAt(this.#server, host, port);
    this.#server.on('error', (error) => this.#acceptance.acceptFailed(error));
    return address;
  }

  /** Accepts nobody new; resolves when all sockets are closed. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#tls?.handshakes.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const address = this.#isUnix ? onUnixSocket : socket.remoteAddress;
    if (address === undefined || !this.#acceptance.mayEnter(address)) {
      socket.on('error', () => undefined);
      socket.destroy();
    } else if (this.#isUnix) {
      this.#acceptance.entered(socket, unixPeer, address);
    } else if (this.#tls === undefined) {
      this.#acceptance.entered(socket, peerOf(socket), address);
    } else {
      this.#tls.handshakes.begin(socket, address);
      this.#tls.server.emit('connection', socket);
    }
  }

  /** One that does not listen: it is handed sockets that may enter. */
  #createTlsServer(tls: TlsFiles): TlsServer {
    const { timeoutMs: handshakeTimeout } = this.#acceptance.handshakes;
    const server = createTlsServer({ ...tls.options, handshakeTimeout });
    tls.onChange((options) => server.setSecureContext(options));
    server.on('secureConnection', (socket) => {
      const peer = peerOf(socket);
      this.#acceptance.entered(socket, peer, peer.address ?? 'unknown');
    });
    return server;
  }
}
