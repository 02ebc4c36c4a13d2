import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';

import { Redis } from 'ioredis';

import { freePort } from './free-port.ts';

export interface RedisServerOptions {
  /** As on its command line: `--appendonly yes`. */
  readonly args?: readonly string[];
  /** Any free one if absent. */
  readonly port?: number;
  /** Lines of a configuration file, without which it can be no sentinel. */
  readonly config?: readonly string[];
  /** Files in PEM: it speaks TLS, and nothing else. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

export interface RedisClientOptions {
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  readonly tls?: ConnectionOptions;
}

type Launch = Omit<RedisServerOptions, 'port'> & {
  readonly port: number;
  readonly directory: string;
};

/** A real redis-server on loopback, with a directory of its own; keeps nothing unless told to. */
export class RedisServer {
  readonly #launch: Launch;
  readonly #clients: Redis[] = [];
  #child: ChildProcess;

  private constructor(launch: Launch, child: ChildProcess) {
    this.#launch = launch;
    this.#child = child;
  }

  /** Resolves once it accepts connections; the caller stops it. */
  static async start({ port, ...options }: RedisServerOptions = {}): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'forsun-redis-'));
    for (let tries = 0; ; tries++) {
      const launch = { ...options, directory, port: port ?? (await freePort()) };
      const child = await launched(launch);
      if (typeof child !== 'string') return new RedisServer(launch, child);
      if (port !== undefined || tries === 5) {
        await rm(directory, { recursive: true, force: true });
        throw new Error(`redis-server does not start: ${child}`);
      }
    }
  }

  get port(): number {
    return this.#launch.port;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Connected to it, and closed when it stops; as the default user, unless it says who. */
  client(options: RedisClientOptions = {}): Redis {
    const client = new Redis({ ...options, port: this.port, host: '127.0.0.1' });
    client.on('error', () => undefined); // what it is asked rejects, too
    this.#clients.push(client);
    return client;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends the process, stopped ones too; what it keeps stays for `restart`. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.signal(signal);
    this.signal('SIGCONT'); // behind it, so that one killed while it is stopped does nothing more
    await closed;
  }

  /** After `kill`: the same port, the same directory. */
  async restart(): Promise<void> {
    const child = await launched(this.#launch);
    if (typeof child === 'string') throw new Error(`redis-server does not start again: ${child}`);
    this.#child = child;
  }

  /** Ends the process with the signal, and all that is its own. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    for (const client of this.#clients.splice(0)) client.disconnect();
    await this.kill(signal);
    await rm(this.#launch.directory, { recursive: true, force: true });
  }
}

/** The process, once it accepts connections; what it said, when it has ended instead. */
async function launched(launch: Launch): Promise<ChildProcess | string> {
  const child = spawn('redis-server', await wordsOf(launch), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (/Ready to accept connections|Sentinel ID is/.test(output)) resolve(child);
      output = output.slice(-10_000);
    });
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}

async function wordsOf({ directory, port, tls, config, args = [] }: Launch): Promise<string[]> {
  const own = ['--bind', '127.0.0.1', '--dir', directory, '--save', ''];
  const ports =
    tls === undefined
      ? ['--port', String(port)]
      : [
          ...['--port', '0', '--tls-port', String(port)],
          ...['--tls-cert-file', tls.cert, '--tls-key-file', tls.key, '--tls-ca-cert-file', tls.ca],
        ];
  if (config === undefined) return [...own, ...ports, ...args];
  const file = join(directory, 'redis.conf');
  await writeFile(file, config.map((line) => `${line}\n`).join(''));
  return [file, ...own, ...ports, ...args];
}
