import { createServer, type Server } from 'node:http';
import type { Server as TcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** The value at that quantile of sorted ones. */
export const at = (sorted: readonly number[], quantile: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? Number.NaN;

/** Listens on loopback; resolves to the port. */
export async function listen(server: TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A target in good health: notes how late each firing reaches it, in ms after its second began. */
export class Sink {
  readonly late: number[] = [];
  readonly fired = new Set<string>();
  twice = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((req, res) => {
      const nowMs = Date.now();
      const key = String(req.headers['x-forsun-key']);
      if (this.fired.has(key)) this.twice += 1;
      this.fired.add(key);
      this.late.push(nowMs - Number(req.headers['x-forsun-timestamp']) * 1000);
      res.end();
    });
  }

  static async open(): Promise<{ readonly sink: Sink; readonly url: string }> {
    const sink = new Sink();
    const port = await listen(sink.#server);
    return { sink, url: `http://127.0.0.1:${port}/order/close` };
  }

  /** Forgets all it has seen. */
  clear(): void {
    this.late.length = 0;
    this.fired.clear();
    this.twice = 0;
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve).closeAllConnections());
  }
}
