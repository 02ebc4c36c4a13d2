import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** As the first line of bin/forsund has it; the same for what it is compared with. */
const semiSpace = '--max-semi-space-size=32';

/** A server under measurement, in a process of its own. */
export class BenchServer {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts `node …args` and waits until it says where it listens. */
  static async start(args: readonly string[]): Promise<BenchServer> {
    const child = spawn(process.execPath, [semiSpace, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const port = await new Promise<number>((resolve, reject) => {
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        const listening = /listening address=\S*:(\d+)/.exec((output += chunk.toString()));
        if (listening !== null) resolve(Number(listening[1]));
      });
      child.once('exit', () => reject(new Error(`the server ended: ${output}`)));
    });
    return new BenchServer(child, port);
  }

  static forsund(directory: string, ...args: string[]): Promise<BenchServer> {
    return BenchServer.start([
      'bin/forsund',
      '--port=0',
      `--driver-mem-store-file=${directory}`,
      ...args,
    ]);
  }

  /** A node of those that share the Redis on that port. */
  static onRedis(port: number): Promise<BenchServer> {
    return BenchServer.start([
      'bin/forsund',
      '--port=0',
      '--driver=redis',
      `--driver-redis-port=${port}`,
    ]);
  }

  /** The thrift package's own server on the generated code, that keeps plans in a Map and nowhere else. */
  static stock(): Promise<BenchServer> {
    return BenchServer.start(['dist/bench/bench/stock-server.js']);
  }

  /** CPU time it has used, in seconds, of user and system together. */
  cpuSeconds(): number {
    return cpuSecondsOf(this.#pid);
  }

  residentMiB(): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }

  get #pid(): number {
    return this.#child.pid ?? 0;
  }
}

/** CPU time that a process has used, in seconds, of user and system together. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'forsun-bench-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Bytes of a directory's files that the pattern names. */
export function bytesOnDisk(directory: string, pattern: RegExp): number {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}
