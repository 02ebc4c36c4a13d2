import type { Socket } from 'node:net';

import type { Connection } from './connections.ts';
import { Unanswered } from './no-answer.ts';

/** Takes what arrives; brings the answer once it is whole, throws when it can be none. */
export type AnswerReader<T> = (chunk: Buffer) => T | undefined;

interface Exchange {
  readonly receive: (chunk: Buffer) => void;
  readonly fail: (error: Error) => void;
}

/** A connection on which one request is answered before the next is sent. What comes unasked ends it. */
export class ExchangeConnection implements Connection {
  readonly #socket: Socket;
  #exchange: Exchange | undefined;
  #isUsable = true;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#over(error));
    socket.on('end', () => this.end());
    socket.on('close', () => this.end());
  }

  get isUsable(): boolean {
    return this.#isUsable && !this.#socket.destroyed;
  }

  /** The answer, or a rejection; in the latter case the connection is over. */
  exchange<T>(request: Buffer | string, read: AnswerReader<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#exchange !== undefined) throw new TypeError('a request is under way');
      const receive = (chunk: Buffer): void => {
        const answer = read(chunk);
        if (answer === undefined) return;
        this.#exchange = undefined;
        resolve(answer);
      };
      this.#exchange = { receive, fail: reject };
      if (this.isUsable) this.#socket.write(request);
      else this.end();
    });
  }

  end(): void {
    this.#over(new Unanswered('the connection was closed'));
  }

  #receive(chunk: Buffer): void {
    try {
      if (this.#exchange === undefined) this.end();
      else this.#exchange.receive(chunk);
    } catch (error) {
      this.#over(error instanceof Error ? error : new TypeError(String(error)));
    }
  }

  #over(error: Error): void {
    this.#isUsable = false;
    this.#socket.destroy();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.fail(error);
  }
}
