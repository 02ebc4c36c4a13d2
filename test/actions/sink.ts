import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Which connection it came on, counted from 1. */
  readonly connection: number;
}

export type Answer = (response: ServerResponse, request: Received) => void;

/** An HTTP server that notes what it gets; stopped by close(). */
export class Sink {
  readonly received: Received[] = [];
  answer: Answer = (response) => response.end();
  readonly #server: Server;
  #connections = 0;

  private constructor() {
    const numbers = new WeakMap<Socket, number>();
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const received = {
          method: request.method ?? '',
          path: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(parts).toString('utf8'),
          connection: numbers.get(request.socket) ?? 0,
        };
        this.received.push(received);
        this.answer(response, received);
      });
    });
    this.#server.on('connection', (socket: Socket) => numbers.set(socket, ++this.#connections));
  }

  static async open(host = '127.0.0.1'): Promise<Sink> {
    const sink = new Sink();
    await new Promise<void>((resolve) => sink.#server.listen(0, host, resolve));
    return sink;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get openConnections(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.getConnections((_, count) => resolve(count));
    });
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }
}

/** A TCP server that misbehaves as told, once per connection. */
export class RawServer {
  readonly #sockets = new Set<Socket>();
  readonly #server;

  private constructor(serve: (socket: Socket) => void) {
    this.#server = createTcpServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
      socket.resume(); // else it would never see the other end close
      serve(socket);
    });
  }

  static async open(serve: (socket: Socket) => void): Promise<RawServer> {
    const server = new RawServer(serve);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }
}
