import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pg from 'pg';
import { onTestFinished } from 'vitest';

import { eventuallyPasses } from './eventually.ts';
import { freePort } from './free-port.ts';

const versions = '/usr/lib/postgresql';
const nobody = 65_534;

/** The newest that Debian has installed. */
const program = (name: string): string => {
  const newest = readdirSync(versions).toSorted((a, b) => Number(b) - Number(a))[0] ?? '';
  return join(versions, newest, 'bin', name);
};

/** A real PostgreSQL server on loopback, with a password; gone with its test. */
export class PostgresServer {
  readonly password = "s'cret \\ ü";
  readonly port: number;
  readonly #directory: string;
  #server: ReturnType<typeof spawn> | undefined;

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.port = port;
  }

  static async start(): Promise<PostgresServer> {
    const directory = mkdtempSync(join(tmpdir(), 'forsun-postgres-'));
    const server = new PostgresServer(directory, await freePort());
    onTestFinished(async () => {
      await server.crash();
      rmSync(directory, { recursive: true, force: true });
    });
    const passwordFile = join(directory, 'password');
    writeFileSync(passwordFile, `${server.password}\n`);
    if (process.getuid?.() === 0) {
      for (const path of [directory, passwordFile]) chownSync(path, nobody, nobody);
    }
    const init = ['--pgdata', join(directory, 'data'), '--username', 'postgres', '--no-sync'];
    const text = ['--encoding', 'UTF8', '--locale', 'C'];
    const auth = ['--auth', 'scram-sha-256', '--pwfile', passwordFile];
    execFileSync(program('initdb'), [...init, ...text, ...auth], {
      ...asOther(directory),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await server.up();
    return server;
  }

  async up(): Promise<void> {
    const settings = ['fsync=off', 'listen_addresses=127.0.0.1', `port=${this.port}`];
    settings.push(`unix_socket_directories=${this.#directory}`);
    this.#server = spawn(
      program('postgres'),
      ['-D', join(this.#directory, 'data'), ...settings.flatMap((one) => ['-c', one])],
      { ...asOther(this.#directory), stdio: 'ignore' },
    );
    await eventuallyPasses(async () => (await this.client()).end());
  }

  /** Ends it at once, its connections too. */
  async crash(): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGQUIT');
    await exited;
  }

  /** The caller ends it. */
  async client(): Promise<pg.Client> {
    const { port, password } = this;
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password });
    client.on('error', () => undefined); // the server is killed in tests
    await client.connect();
    return client;
  }
}

/** It refuses to run as root. */
const asOther = (cwd: string) => ({
  cwd,
  env: { PATH: process.env['PATH'] },
  ...(process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}),
});
