import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { onTestFinished } from 'vitest';

import { eventuallyPasses } from './eventually.ts';
import { freePort } from './free-port.ts';

/** A job as beanstalkd keeps it. */
export interface KeptJob {
  readonly body: Buffer;
  readonly priority: number;
  readonly delay: number;
  readonly ttr: number;
}

/** A real beanstalkd with nothing on disk; killed when the test is finished. */
export class BeanstalkServer {
  readonly port: number;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
  }

  static async start(...args: string[]): Promise<BeanstalkServer> {
    const server = new BeanstalkServer(await freePort(), args);
    onTestFinished(() => server.kill());
    await server.start();
    return server;
  }

  /** Again, on the same port, with no jobs. */
  async start(): Promise<void> {
    const words = ['-l', '127.0.0.1', '-p', String(this.port), ...this.#args];
    this.#child = spawn('beanstalkd', words, { stdio: 'ignore' });
    await eventuallyPasses(() => this.ask('stats'));
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** SIGUSR1: it takes no more jobs. */
  async drain(): Promise<void> {
    this.#child?.kill('SIGUSR1');
    await eventuallyPasses(async () => {
      const stats = (await this.ask('stats')).toString();
      if (!stats.includes('draining: true')) throw new Error('it does not drain yet');
    });
  }

  /** The job of that tube that is next; rejects when it has none. */
  async nextJob(tube: string): Promise<KeptJob> {
    const id = /^FOUND (\d+)/.exec((await this.#heads(tube)).toString('latin1'))?.[1];
    if (id === undefined) throw new Error(`no job is in ${tube}`);
    const found = await this.ask(`peek ${id}`);
    const stats = (await this.ask(`stats-job ${id}`)).toString();
    const number = (name: string): number =>
      Number(new RegExp(`\n${name}: (\\d+)`).exec(stats)?.[1]);
    await this.ask(`delete ${id}`);
    return {
      body: found.subarray(found.indexOf('\r\n') + 2, -2),
      priority: number('pri'),
      delay: number('delay'),
      ttr: number('ttr'),
    };
  }

  /** The reply to one command on a connection of its own. */
  async ask(command: string): Promise<Buffer> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      return await reply(socket, command);
    } finally {
      socket.destroy();
    }
  }

  /** A ready job, else one that is delayed. */
  async #heads(tube: string): Promise<Buffer> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      await reply(socket, `use ${tube}`);
      const ready = await reply(socket, 'peek-ready');
      return ready.toString().startsWith('FOUND') ? ready : await reply(socket, 'peek-delayed');
    } finally {
      socket.destroy();
    }
  }
}

/** One line, and what it says that follows. */
function reply(socket: Socket, command: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    socket.once('error', reject);
    const take = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const lineEnd = received.indexOf('\r\n');
      if (lineEnd < 0) return;
      const line = received.toString('latin1', 0, lineEnd);
      const [, bodyBytes] = /^(?:OK|FOUND \d+) (\d+)$/.exec(line) ?? [];
      const end = lineEnd + 2 + (bodyBytes === undefined ? 0 : Number(bodyBytes) + 2);
      if (received.length < end) return;
      socket.off('data', take).off('error', reject);
      resolve(received.subarray(0, end));
    };
    socket.on('data', take);
    socket.write(`${command}\r\n`);
  });
}
