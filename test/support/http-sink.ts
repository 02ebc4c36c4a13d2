import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { onTestFinished } from 'vitest';

import type { Delivery } from './checker.ts';

export interface Hit extends Delivery {
  readonly url: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An HTTP server on a port of the system's choice that notes what it is asked, and how it answers. */
export class HttpSink {
  readonly hits: Hit[] = [];
  /** The status for a hit; a promise holds the answer back. */
  answer: (hit: Hit) => number | Promise<number> = () => 200;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { url = '', method = '', headers } = request;
        const body = Buffer.concat(chunks).toString();
        const hit = { url, method, headers, body, ...deliveryOf(headers) };
        this.hits.push(hit);
        for (const check of this.#waiting) check();
        void Promise.resolve(this.answer(hit)).then((status) => {
          response.statusCode = status;
          response.end();
        });
      });
    });
  }

  /** Closed when the test is finished. */
  static async open(): Promise<HttpSink> {
    const sink = new HttpSink();
    await new Promise<void>((resolve) => sink.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => sink.#close());
    return sink;
  }

  url(path = '/'): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** What has come of the plan of that key. */
  of(key: string): readonly Hit[] {
    return this.hits.filter((hit) => hit.key === key);
  }

  /** Resolves, to all of them, once so many hits of the plan of that key have come. */
  async until(key: string, count: number): Promise<readonly Hit[]> {
    await this.untilSeen(() => this.of(key).length >= count);
    return this.of(key);
  }

  /** Resolves once it holds, looked at with every hit. */
  async untilSeen(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  async #close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function deliveryOf(headers: IncomingHttpHeaders): Delivery {
  const header = (name: string): string => String(headers[`x-forsun-${name}`] ?? '');
  return {
    key: decodeURIComponent(header('key')),
    fireId: decodeURIComponent(header('fire-id')),
    fireTime: Number(header('timestamp')),
    attempt: Number(header('attempt')),
    atMs: Date.now(),
  };
}
