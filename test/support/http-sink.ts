import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Hit {
  readonly url: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly atMs: number;
}

/** An HTTP server on a port of the system's choice that notes what it is asked, and how it answers. */
export class HttpSink {
  readonly hits: Hit[] = [];
  /** The status for a hit; a function may also wait. */
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
        const hit = { url, method, headers, body, atMs: Date.now() };
        this.hits.push(hit);
        for (const check of this.#waiting) check();
        void Promise.resolve(this.answer(hit)).then((status) => {
          response.statusCode = status;
          response.end();
        });
      });
    });
  }

  static async open(): Promise<HttpSink> {
    const sink = new HttpSink();
    await new Promise<void>((resolve) => sink.#server.listen(0, '127.0.0.1', resolve));
    return sink;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  hitsOf(path: string): readonly Hit[] {
    return this.hits.filter(({ url }) => url === path);
  }

  /** Resolves once that many hits of the path have come. */
  async until(path: string, count: number): Promise<readonly Hit[]> {
    return new Promise((resolve) => {
      const check = (): void => {
        const hits = this.hitsOf(path);
        if (hits.length < count) return;
        this.#waiting.delete(check);
        resolve(hits);
      };
      this.#waiting.add(check);
      check();
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
