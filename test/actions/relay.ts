import { connect, type Socket } from 'node:net';

import { RawServer } from './sink.ts';

/** Where a conversation is cut: before the server gets what holds the word, or before its answer comes back. */
export interface Cut {
  readonly when: 'before it is sent' | 'before its answer';
  readonly word: string;
}

/** A way to a server that cuts the conversation as told; both ends see a lost connection. */
export class Relay {
  cut: Cut | undefined;
  readonly #server: RawServer;

  private constructor(server: RawServer) {
    this.#server = server;
  }

  static async to(port: number): Promise<Relay> {
    const server = await RawServer.open((client) => relay.#join(client, port));
    const relay = new Relay(server);
    return relay;
  }

  get port(): number {
    return this.#server.port;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  #join(client: Socket, port: number): void {
    const server = connect(port, '127.0.0.1');
    let isAnswerCut = false;
    client.on('data', (bytes) => {
      const isWordIn = this.cut !== undefined && bytes.includes(this.cut.word);
      if (isWordIn && this.cut?.when === 'before it is sent') client.destroy();
      else server.write(bytes);
      isAnswerCut ||= isWordIn;
    });
    server.on('data', (bytes) => {
      if (isAnswerCut) client.destroy();
      else client.write(bytes);
    });
    client.on('close', () => server.destroy());
    server.on('error', () => undefined).on('close', () => client.destroy());
  }
}
