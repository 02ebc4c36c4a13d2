import { METHODS, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { fastify, type FastifyInstance } from 'fastify';

import { unixPath } from '../../core/unix-path.ts';
import { onUnixSocket, type Peer, peerOf, unixPeer } from '../access/peer.ts';
import type { TlsFiles } from '../access/tls-files.ts';
import { Complaints } from '../complaints.ts';
import { Connections } from '../connections.ts';
import { Handshakes } from '../handshakes.ts';
import { listenAt } from '../listen.ts';
import { MemoryBudget } from '../memory-budget.ts';
import { brokenRefusal, type BrokenRequest, brokenTarget, lastAnswer } from './broken-request.ts';
import { HttpConnection, type HttpLobby } from './connection.ts';
import type { HttpDoor, Routes } from './door.ts';
import { RefusalForms } from './forms.ts';
import { createPlainServer, createTlsServer } from './node-server.ts';
import type { ServedNames } from './origins.ts';
import { addRules, type Admission } from './rules.ts';
import { httpDefaults, type HttpSettings } from './settings.ts';
import { routableTarget } from './target.ts';

export interface HttpOptions extends Partial<HttpSettings>, Partial<ServedNames> {
  /** A name, an address, or unix:/path. */
  readonly host: string;
  /** 0: any that is free; of no meaning on a Unix socket. */
  readonly port: number;
}

export interface HttpDependencies extends Omit<HttpDoor, 'forms'>, Admission {
  /** The parts of the bridge. */
  readonly routes: readonly Routes[];
  /** Absent: the port has no TLS. */
  readonly tls?: TlsFiles | undefined;
}

export interface HttpServer {
  /** Of a Unix socket, its address is unix:/path, and its family unix. */
  readonly address: AddressInfo;
  /** Accepts nothing new, gives what is under way closeTimeoutMs to be answered; then all is closed. */
  close(): Promise<void>;
}

/** Serves the HTTP bridge; rejects when the address cannot be had. */
export async function listenHttp(
  { host, port, hosts = [], origins = [], ...overrides }: HttpOptions,
  dependencies: HttpDependencies,
): Promise<HttpServer> {
  const settings = { ...httpDefaults, ...overrides };
  const names = { hosts: [...hosts, host], origins };
  const listener = new HttpListener({ host, port }, settings, names, dependencies);
  const address = await listener.listen();
  return { address, close: () => listener.close() };
}

type Place = Pick<HttpOptions, 'host' | 'port'>;

class HttpListener {
  readonly #place: Place;
  readonly #lobby: HttpLobby;
  readonly #connections: Connections<HttpConnection>;
  readonly #connectionOf = new WeakMap<Socket, HttpConnection>();
  readonly #forms = new RefusalForms();
  readonly #app: FastifyInstance;
  readonly #server: Server;
  /** Undefined without TLS. */
  #handshakes: Handshakes | undefined;
  #isClosing = false;

  constructor(
    place: Place,
    settings: HttpSettings,
    names: ServedNames,
    dependencies: HttpDependencies,
  ) {
    const { clock, counters, log, access, callerOf } = dependencies;
    this.#place = place;
    // A Unix socket has no TLS and needs none.
    const tls = this.#isUnix ? undefined : dependencies.tls;
    const complaints = new Complaints(log, clock);
    const memory = new MemoryBudget(settings.heldBytes, 'http_memory_full');
    const lobby = { settings, counters, complaints, clock, memory };
    this.#lobby = lobby;
    this.#connections = new Connections(settings, 'http_connections_full');
    this.#app = fastify({
      serverFactory: (serve) => {
        if (tls === undefined) return createPlainServer(settings, serve);
        const server = createTlsServer(settings, tls, serve);
        this.#handshakes = new Handshakes(server, {
          ...{ counters, complaints, connections: this.#connections },
          timeoutMs: settings.headerTimeoutMs,
        });
        return server;
      },
      clientErrorHandler: (error, socket) => this.#onClientError(error, socket),
      rewriteUrl: routableTarget,
      bodyLimit: settings.bodyBytes,
      // The limit of the headers is that of a path, too.
      routerOptions: { maxParamLength: settings.headerBytes },
    });
    addRules(this.#app, {
      ...{ lobby, names, access, callerOf, forms: this.#forms },
      connectionOf: ({ raw }) => this.#connectionOf.get(raw.socket) ?? neverAccepted(),
      isClosing: () => this.#isClosing,
    });
    for (const method of METHODS) {
      if (!this.#app.supportedMethods.includes(method)) this.#app.addHttpMethod(method);
    }
    const door = { ...dependencies, forms: this.#forms };
    for (const routes of dependencies.routes) routes(this.#app, door);

    this.#server = this.#app.server;
    this.#server.timeout = settings.sendTimeoutMs;
    // A client may send FIN behind its request and still read the reply. Node has this, and no type for it.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    // Or Node answers what it does not know itself, before any rule is asked.
    this.#server.on('checkExpectation', (request, response) =>
      this.#server.emit('request', request, response),
    );
    this.#server.on('connection', (socket: Socket) => this.#accept(socket));
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      this.#enter(socket, peerOf(socket));
    });
    this.#server.on('timeout', (socket: Socket) => this.#connectionOf.get(socket)?.fellSilent());
  }

  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#place;
    await this.#app.ready();
    const address = await listenAt(this.#server, host, port);
    // Such as EMFILE while accepting: the server goes on.
    this.#server.on('error', (error) =>
      this.#lobby.complaints.warn('http_accept_failed', { host, reason: error.message }),
    );
    return address;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#handshakes?.destroy();
    for (const connection of this.#connections) connection.finish();
    const { clock, settings } = this.#lobby;
    const cancel = clock.after(settings.closeTimeoutMs, () => {
      for (const connection of this.#connections) connection.destroy();
    });
    await closed;
    cancel();
    await this.#app.close();
  }

  get #isUnix(): boolean {
    return unixPath(this.#place.host) !== undefined;
  }

  #accept(socket: Socket): void {
    const { counters, complaints } = this.#lobby;
    const address = this.#isUnix ? onUnixSocket : socket.remoteAddress;
    if (address === undefined || !this.#connections.makeRoom(address)) {
      counters.add('connections_refused_count');
      if (address !== undefined) {
        const reason = 'no connection is idle';
        complaints.warn('http_connections_full', { peer: address, reason });
      }
      socket.destroy();
      return;
    }
    if (this.#handshakes !== undefined) this.#handshakes.begin(socket, address);
    else this.#enter(socket, this.#isUnix ? unixPeer : peerOf(socket));
  }

  #enter(socket: Socket, peer: Peer): void {
    const { counters } = this.#lobby;
    const connection = new HttpConnection(socket, peer, this.#lobby);
    this.#connections.add(connection);
    this.#connectionOf.set(socket, connection);
    counters.add('http_connecting_count');
    counters.add('http_connected_count');
    socket.on('close', () => {
      this.#connections.delete(connection);
      counters.add('http_connecting_count', -1);
    });
  }

  /** What Node's parser makes nothing of, or waits for no longer. */
  #onClientError(error: BrokenRequest, socket: Socket): void {
    const connection = this.#connectionOf.get(socket);
    if (connection === undefined || !socket.writable || socket.bytesRead === 0) {
      socket.destroy();
      return;
    }
    this.#lobby.counters.add('protocol_errors_count');
    this.#lobby.complaints.warn('http_broken_request', {
      peer: connection.address,
      reason: error.message,
    });
    const form = this.#forms.of(connection.incompleteTarget ?? brokenTarget(error));
    connection.endWith(lastAnswer(brokenRefusal(error), form));
  }
}

const neverAccepted = (): never => {
  throw new TypeError('a request came over a connection that was not accepted');
};
