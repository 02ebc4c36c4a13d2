import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, onTestFinished } from 'vitest';

import { ForsunClient } from '../../src/client/forsun-client.ts';
import { aDirectory } from './database.ts';

export interface ForsundOptions {
  /** Where the store is; several starts may share it, one after the other. */
  readonly store: string;
  /** What it is to do instead of serving. */
  readonly command?: 'check';
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs node in its own process, as strace -D does. */
  readonly under?: readonly string[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A path for a store that is not there yet; gone, with all around it, when the test is finished. */
export const aStore = async (): Promise<string> => join(await aDirectory(), 'store');

/** Told what is to be done at an end. */
type AtEnd = (end: () => void | Promise<void>) => void;

/** One for all tests of the file or the group that calls this, which runs from before the first on. */
export function sharedForsund(...args: readonly string[]): () => ForsundProcess {
  let forsund: ForsundProcess | undefined;
  beforeAll(async () => {
    const around = await mkdtemp(join(tmpdir(), 'forsun-shared-'));
    const ends: Parameters<AtEnd>[0][] = [() => rm(around, { recursive: true })];
    const store = join(around, 'store');
    forsund = await ForsundProcess.start({ store, args }, (end) => ends.unshift(end));
    return async () => {
      for (const end of ends) await end();
    };
  });
  return () => {
    if (forsund === undefined) throw new TypeError('it runs from the first test on');
    return forsund;
  };
}

/** A real forsund, built by `npm run build`, on a port of the system's choice; killed with its test. */
export class ForsundProcess {
  readonly port: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #output: Output;
  readonly #clients: ForsunClient[] = [];

  private constructor(child: ChildProcess, exited: Promise<Exit>, output: Output, port: number) {
    this.#child = child;
    this.exited = exited;
    this.#output = output;
    this.port = port;
  }

  /** Resolves once it listens; rejects with EndedEarly when it does not come to that. */
  static async start(
    options: ForsundOptions,
    atEnd: AtEnd = onTestFinished,
  ): Promise<ForsundProcess> {
    const { child, exited, output } = launch(options);
    atEnd(() => void child.kill('SIGKILL')); // also when it never comes to listen
    const port = await new Promise<number>((resolve, reject) => {
      child.stdout?.on('data', () => {
        const listening = /listen(?:ing address=|s on )(?:unix:\S+|\S*:(\d+))/.exec(output.all);
        if (listening !== null) resolve(Number(listening[1]));
      });
      void exited.then((exit) => reject(new EndedEarly(exit, output.all)));
    });
    const forsund = new ForsundProcess(child, exited, output, port);
    atEnd(async () => {
      await forsund.kill('SIGKILL');
    });
    return forsund;
  }

  /** All it has said so far, on both streams. */
  get output(): string {
    return this.#output.all;
  }

  /** Of the HTTP bridge, for a server that was told to have one. */
  get httpPort(): number {
    const [, port] = /^.* http=\S*:(\d+)/m.exec(this.output) ?? [];
    if (port === undefined) throw new Error('there is no HTTP bridge: give --http');
    return Number(port);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Closed when the process is killed. */
  client(): ForsunClient {
    const client = new ForsunClient({ port: this.port });
    this.#clients.push(client);
    return client;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends the signal and resolves when the process has ended. */
  async kill(signal: NodeJS.Signals): Promise<Exit> {
    this.signal(signal);
    const exit = await this.exited;
    for (const client of this.#clients.splice(0)) client.close();
    return exit;
  }
}

/** A server that was to listen has ended instead. */
export class EndedEarly extends Error {
  readonly exit: Exit;
  readonly output: string;

  constructor(exit: Exit, output: string) {
    super(`forsund ended with ${exit.code ?? exit.signal}: ${output}`);
    this.exit = exit;
    this.output = output;
  }
}

/** Runs a forsund that is to end by itself. */
export async function runForsund(
  options: ForsundOptions,
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
  const { child, exited, output } = launch(options);
  onTestFinished(() => void child.kill('SIGKILL'));
  return { ...(await exited), stdout: output.stdout, stderr: output.stderr };
}

interface Output {
  stdout: string;
  stderr: string;
  readonly all: string;
}

function launch({ store, command, args = [], env = {}, under = [] }: ForsundOptions): {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  readonly output: Output;
} {
  const words = [
    ...under,
    ...[process.execPath, 'bin/forsund', ...(command === undefined ? [] : [command]), ...args],
    ...['--driver-mem-store-file', store],
    ...(command !== undefined || args.includes('--port') ? [] : ['--port', '0']),
  ];
  const child = spawn(words[0] ?? '', words.slice(1), {
    env: { PATH: process.env['PATH'], HOME: join(store, '..'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = {
    stdout: '',
    stderr: '',
    get all(): string {
      return this.stdout + this.stderr;
    },
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const exited = once(child, 'close').then(
    ([code, signal]: unknown[]) => ({ code, signal }) as Exit,
    (error: unknown) => {
      output.stderr += String(error);
      return { code: -1, signal: null };
    },
  );
  return { child, exited, output };
}
