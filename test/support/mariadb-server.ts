import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';

import { freePort } from './free-port.ts';

/** A real MariaDB on loopback, in a directory of its own; its user `root` has no password. */
export class MariaDBServer {
  readonly port: number;
  readonly #directory: string;
  #process: ChildProcess;
  #root: Connection | undefined;

  private constructor(port: number, directory: string, process: ChildProcess) {
    this.port = port;
    this.#directory = directory;
    this.#process = process;
  }

  /** Resolves once it lets clients in. */
  static async start(): Promise<MariaDBServer> {
    const directory = await mkdtemp(join(tmpdir(), 'forsun-mariadb-'));
    await promisify(execFile)('mariadb-install-db', [
      '--no-defaults',
      `--datadir=${directory}`,
      `--user=${userInfo().username}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
    ]);
    const port = await freePort();
    const process = await launch(directory, port);
    return new MariaDBServer(port, directory, process);
  }

  /** Rows of one statement, by root. */
  async query(sql: string): Promise<RowDataPacket[]> {
    this.#root ??= await createConnection({ host: '127.0.0.1', port: this.port, user: 'root' });
    const [rows] = await this.#root.query<RowDataPacket[]>(sql);
    return rows;
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    this.#root?.destroy();
    this.#root = undefined;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'close');
  }

  /** After a kill: the same data on the same port. */
  async startAgain(): Promise<void> {
    this.#process = await launch(this.#directory, this.port);
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true });
  }
}

async function launch(directory: string, port: number): Promise<ChildProcess> {
  const child = spawn(
    'mariadbd',
    [
      '--no-defaults',
      `--datadir=${directory}`,
      `--user=${userInfo().username}`,
      `--socket=${join(directory, 'socket')}`,
      `--pid-file=${join(directory, 'pid')}`,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      '--skip-name-resolve',
      '--innodb-buffer-pool-size=8M',
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-lock-wait-timeout=1',
      '--performance-schema=OFF',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (/ready for connections/.test(log)) resolve();
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`mariadbd ended: ${log}`)));
  });
  return child;
}
