import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';

import { freePort } from './free-port.ts';

export interface RedisServerOptions {
  /** As on its command line: `--appendonly yes`. */
  readonly args?: readonly string[];
  /** Any free one if absent. */
  readonly port?: number;
}

/** A real redis-server on loopback, with a directory of its own; keeps nothing unless told to. */
export class RedisServer {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #clients: Redis[] = [];

  private constructor(port: number, child: ChildProcess, directory: string) {
    this.port = port;
    this.#child = child;
    this.#directory = directory;
  }

  /** Resolves once it accepts connections; the caller stops it. */
  static async start({ args = [], port }: RedisServerOptions = {}): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'forsun-redis-'));
    for (let tries = 0; ; tries++) {
      const server = await RedisServer.#launch(directory, port ?? (await freePort()), args);
      if (server instanceof RedisServer) return server;
      if (port !== undefined || tries === 5) {
        await rm(directory, { recursive: true, force: true });
        throw new Error(`redis-server does not start: ${server}`);
      }
    }
  }

  static async #launch(
    directory: string,
    port: number,
    args: readonly string[],
  ): Promise<RedisServer | string> {
    const own = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--save', ''];
    const child = spawn('redis-server', [...own, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    return new Promise((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('Ready to accept connections')) {
          resolve(new RedisServer(port, child, directory));
        }
        output = output.slice(-10_000);
      });
      child.once('error', reject);
      child.once('close', () => resolve(output));
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Connected to it, and closed when it stops; as the default user, unless it says who. */
  client(options: { readonly username?: string; readonly password?: string } = {}): Redis {
    const client = new Redis({ ...options, port: this.port, host: '127.0.0.1' });
    client.on('error', () => undefined); // what it is asked rejects, too
    this.#clients.push(client);
    return client;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends the process with the signal, and all that is its own. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    for (const client of this.#clients.splice(0)) client.disconnect();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const closed = once(this.#child, 'close');
      this.signal('SIGCONT');
      this.signal(signal);
      await closed;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}
