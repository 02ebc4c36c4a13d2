import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { onTestFinished } from 'vitest';

/** One firing as a healed target got it. */
export interface Delivered {
  readonly key: string;
  readonly fireTime: number;
  readonly attempt: number;
  readonly isEarly: boolean;
}

/** HTTP servers that hear every request and answer none, until they heal. */
export class SickTargets {
  /** What they have answered, in the order of its coming. */
  readonly delivered: Delivered[] = [];
  /** Requests that got no answer. */
  unanswered = 0;
  readonly #servers: readonly Server[];
  #isHealed = false;

  private constructor(count: number) {
    this.#servers = Array.from({ length: count }, () =>
      createServer((request, response) => this.#hear(request, response)),
    );
  }

  /** Closed when the test is finished. */
  static async open(count: number): Promise<SickTargets> {
    const targets = new SickTargets(count);
    for (const server of targets.#servers) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    onTestFinished(() => targets.#close());
    return targets;
  }

  /** In turn. */
  url(n: number): string {
    const server = this.#servers[n % this.#servers.length];
    return `http://127.0.0.1:${(server?.address() as AddressInfo).port}/`;
  }

  /** They answer from now on; what they have left unanswered is cut off. */
  heal(): void {
    this.#isHealed = true;
    for (const server of this.#servers) server.closeAllConnections();
  }

  #hear({ headers }: IncomingMessage, response: ServerResponse): void {
    if (!this.#isHealed) {
      this.unanswered += 1;
      return;
    }
    const header = (name: string): string => String(headers[`x-forsun-${name}`]);
    const fireTime = Number(header('timestamp'));
    const [key, attempt] = [header('key'), Number(header('attempt'))];
    this.delivered.push({ key, fireTime, attempt, isEarly: Date.now() < fireTime * 1000 });
    response.end();
  }

  async #close(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
}
