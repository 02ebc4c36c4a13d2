import type { Socket } from 'node:net';

import { type buildConnector, Client, type Dispatcher } from 'undici';

import type { Clock } from '../core/time.ts';
import type { Connection } from './connections.ts';
import { Unanswered } from './no-answer.ts';

export type HttpRequest = Pick<Dispatcher.DispatchOptions, 'path' | 'method'> & {
  /** Flat names and values. */
  readonly headers: string[];
  readonly body: string | null;
};

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface HttpConnectionLimits {
  /** Kept that long without a request, or shorter when the server says so. */
  readonly idleSeconds: number;
  readonly maxResponseHeaderBytes: number;
}

/** Then a busy connection is replaced too, so that a name that has moved is followed. */
const MAX_AGE_MS = 60_000;

/**
 * One socket, and the undici client that speaks HTTP/1.1 on it, one request at a time: it neither connects
 * by itself nor again, so that nothing outlives the run it was for.
 */
export class HttpConnection implements Connection {
  readonly #socket: Socket;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #madeMs: number;

  /** On a connected socket, its own from now on. */
  constructor(socket: Socket, origin: string, clock: Clock, limits: HttpConnectionLimits) {
    this.#socket = socket;
    this.#clock = clock;
    this.#madeMs = clock.monotonicMs();
    const idleMs = limits.idleSeconds * 1000;
    this.#client = new Client(origin, {
      pipelining: 1,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      keepAliveTimeoutThreshold: 500,
      maxHeaderSize: limits.maxResponseHeaderBytes,
      headersTimeout: 0, // the whole request has its own deadline
      bodyTimeout: 0,
      connect: once(socket),
    });
  }

  get isUsable(): boolean {
    const isYoung = this.#clock.monotonicMs() - this.#madeMs < MAX_AGE_MS;
    return isYoung && this.#socket.readyState === 'open';
  }

  /**
   * One request and the head of its response, once the body has been read and dropped: to its end, which
   * leaves the connection for the next request, or past the cap, which ends it. Rejects with the
   * transport's error. undici's request() does the same by a stream and a signal for each, at three times
   * the cost.
   */
  send(request: HttpRequest, capBytes: number): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      let response: HttpResponse | undefined;
      let bodyBytes = 0;
      this.#client.dispatch(request, {
        onRequestStart: () => undefined, // undici tells by it that the handler is of its present kind
        onResponseStart(_, status, headers) {
          response = { status, headers }; // a 1xx is followed by the one that counts
        },
        onResponseData: (_, chunk) => {
          bodyBytes += chunk.length;
          if (bodyBytes <= capBytes || response === undefined) return;
          resolve(response);
          this.end();
        },
        onResponseEnd() {
          if (response === undefined) reject(new TypeError('an end without a start'));
          else resolve(response);
        },
        onResponseError(_, error) {
          reject(error);
        },
      });
    });
  }

  end(): void {
    void this.#client.destroy();
    this.#socket.destroy();
  }
}

/** What undici connects by: hands it the socket, and nothing when it asks again. */
function once(socket: Socket): buildConnector.connector {
  let isTaken = false;
  return (_, callback) => {
    // Not before this has returned: undici would leave its request waiting.
    queueMicrotask(() => {
      if (isTaken || socket.destroyed) callback(new Unanswered('the connection was closed'), null);
      else callback(null, socket);
      isTaken = true;
    });
  };
}
