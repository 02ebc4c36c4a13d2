import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ForsunClient } from '../../src/client/forsun-client.ts';

export interface ForsundOptions {
  /** Where the store is; several starts may share it, one after the other. */
  readonly directory: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A real forsund, built by `npm run build`, on a port of the system's choice. */
export class ForsundProcess {
  readonly port: number;
  readonly child: ChildProcess;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  readonly #output: string[];
  readonly #clients: ForsunClient[] = [];

  private constructor(child: ChildProcess, port: number, output: string[]) {
    this.child = child;
    this.port = port;
    this.#output = output;
    this.exited = once(child, 'exit').then(([code, signal]: unknown[]) => ({
      code: code as number | null,
      signal: signal as string | null,
    }));
  }

  static async start({ directory, args = [], env = {} }: ForsundOptions): Promise<ForsundProcess> {
    const flags = ['--port', '0', '--driver-mem-store-file', directory, ...args];
    const child = spawn(process.execPath, ['bin/forsund', ...flags], {
      env: { PATH: process.env['PATH'], HOME: join(directory, '..'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: string[] = [];
    const port = await new Promise<number>((resolve, reject) => {
      const read = (chunk: Buffer): void => {
        output.push(chunk.toString());
        const listening = /listening address=\S*:(\d+)/.exec(output.join(''));
        if (listening !== null) resolve(Number(listening[1]));
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('exit', (code) =>
        reject(new Error(`forsund ended with ${code ?? 'a signal'}: ${output.join('')}`)),
      );
    });
    return new ForsundProcess(child, port, output);
  }

  get output(): string {
    return this.#output.join('');
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  client(): ForsunClient {
    const client = new ForsunClient({ port: this.port });
    this.#clients.push(client);
    return client;
  }

  async kill(signal: NodeJS.Signals): Promise<{ code: number | null; signal: string | null }> {
    for (const client of this.#clients.splice(0)) client.close();
    this.child.kill(signal);
    return this.exited;
  }
}

/** A directory that is gone when the test has ended. */
export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'forsun-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
