import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

import type { Arrived } from './receiver.ts';

/** bench/receiver.ts in a process of its own. */
export class ReceiverProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(kind: 'http' | 'thrift'): Promise<ReceiverProcess> {
    const child = fork('dist/bench/bench/receiver.js', [kind]);
    const [port] = (await once(child, 'message')) as [number];
    return new ReceiverProcess(child, port);
  }

  /** Resolves when that many keys have arrived, or when there will be no more in all likelihood. */
  async arrivals(expected: number): Promise<Arrived> {
    for (let before = -1, quiet = 0; quiet < 30; quiet += 1) {
      const keys = await this.#ask<number>('count');
      if (keys === expected) break;
      if (keys !== before) quiet = 0;
      before = keys;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    return this.#ask<Arrived>('report');
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill();
    await exited;
  }

  async #ask<T>(question: 'count' | 'report'): Promise<T> {
    this.#child.send(question);
    const [answer] = (await once(this.#child, 'message')) as [T];
    return answer;
  }
}
