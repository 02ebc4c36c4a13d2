import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import { onTestFinished } from 'vitest';

export type Fate = 'passes' | 'waits' | 'is_lost';

interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

/** Stands between clients and a server on loopback, and loses what it is told to lose. */
export class TcpProxy {
  /** What becomes of bytes that a client sends. */
  onRequest: (bytes: Buffer) => Fate = () => 'passes';
  /** Of those that the server sends. */
  onReply: (bytes: Buffer) => Fate = () => 'passes';
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #waiting: (() => void)[] = [];

  private constructor(port: number) {
    this.#server = createServer((client) => this.#link(client, port));
  }

  /** Closed when the test is finished. */
  static async open(port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(port);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      proxy.cut();
      await new Promise((resolve) => proxy.#server.close(resolve));
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Nothing is lost and nothing waits any more; what has waited arrives in its order, also after a cut. */
  heal(): void {
    this.onRequest = this.onReply = () => 'passes';
    for (const send of this.#waiting.splice(0)) send();
  }

  /** Ends all connections as clients see it; to the server they live on. */
  cutClients(): void {
    for (const { client } of this.#links) client.destroy();
  }

  /** Ends all connections, as both sides see it. */
  cut(): void {
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
  }

  #link(client: Socket, port: number): void {
    const server = connect(port, '127.0.0.1');
    const link = { client, server };
    this.#links.add(link);
    client.on('data', (bytes) => this.#pass(bytes, server, this.onRequest(bytes)));
    server.on('data', (bytes) => this.#pass(bytes, client, this.onReply(bytes)));
    for (const socket of [client, server]) socket.on('error', () => undefined); // it is closed then
    server.on('close', () => {
      this.#links.delete(link);
      client.destroy();
    });
  }

  #pass(bytes: Buffer, to: Socket, fate: Fate): void {
    const send = (): void => {
      if (to.writable) to.write(bytes);
    };
    if (fate === 'passes') send();
    if (fate === 'waits') this.#waiting.push(send);
  }
}
