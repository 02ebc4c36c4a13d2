import {
  createServer,
  METHODS,
  type RequestListener,
  type Server,
  type ServerOptions,
  STATUS_CODES,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
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
import { HttpConnection, type HttpLobby } from './connection.ts';
import type { HttpDoor, Routes } from './door.ts';
import { RefusalForms } from './forms.ts';
import type { ServedNames } from './origins.ts';
import { HttpRefusal } from './refusal.ts';
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
        if (tls === undefined) return createServer(nodeOptions(settings), serve);
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
      this.#handshakes?.end(socket);
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
  #onClientError({ code, message, rawPacket }: ParserError, socket: Socket): void {
    const connection = this.#connectionOf.get(socket);
    if (connection === undefined || !socket.writable || socket.bytesRead === 0) {
      socket.destroy();
      return;
    }
    this.#lobby.counters.add('protocol_errors_count');
    this.#lobby.complaints.warn('http_broken_request', {
      peer: connection.address,
      reason: message,
    });
    const refusal = brokenRequest(code, message);
    const { statusCode: status } = refusal;
    const form = this.#forms.of(connection.brokenTarget ?? targetIn(rawPacket));
    const body = form.text(refusal);
    connection.endWith(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: ${form.contentType}\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
}

const neverAccepted = (): never => {
  throw new TypeError('a request came over a connection that was not accepted');
};

/** Slow clients are looked for that often. */
const sweepMs = 1_000;
const keepAliveMs = 60_000;

const nodeOptions = (settings: HttpSettings): ServerOptions => ({
  insecureHTTPParser: false, // also when NODE_OPTIONS says otherwise
  requireHostHeader: true,
  maxHeaderSize: settings.headerBytes,
  headersTimeout: Math.min(settings.headerTimeoutMs, settings.requestTimeoutMs),
  requestTimeout: settings.requestTimeoutMs,
  connectionsCheckingInterval: sweepMs,
  keepAliveTimeout: settings.idleTimeoutMs,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: keepAliveMs,
});

function createTlsServer(
  settings: HttpSettings,
  tls: TlsFiles,
  serve: RequestListener,
): HttpsServer {
  const handshakeTimeout = settings.headerTimeoutMs;
  const options = { ...nodeOptions(settings), ...tls.options, handshakeTimeout };
  // node:http has sockets half open by itself, node:https when told.
  const server = createHttpsServer({ ...options, allowHalfOpen: true }, serve);
  tls.onChange((changed) => server.setSecureContext(changed));
  return server;
}

interface ParserError extends NodeJS.ErrnoException {
  /** A Buffer, whatever types say. */
  readonly rawPacket?: unknown;
}

/** What a packet is about, if a request begins with it. */
const targetIn = (packet: unknown): string =>
  /^\S+ (\S+)/.exec(Buffer.isBuffer(packet) ? packet.toString('latin1') : '')?.[1] ?? '';

function brokenRequest(code: string | undefined, message: string): HttpRefusal {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new HttpRefusal(431, 'the headers are larger than --http-max-header-bytes allows');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpRefusal(
        408,
        'the request took longer than --http-header-timeout or --http-request-timeout allows',
      );
    case 'HPE_INVALID_URL':
      return new HttpRefusal(400, `${message}; beyond ASCII, and for blanks, %XX was expected`);
    default:
      return new HttpRefusal(400, message);
  }
}
