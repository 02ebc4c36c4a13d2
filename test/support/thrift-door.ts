import { connect, type Socket } from 'node:net';

import { silentLog } from '../../src/core/log.ts';
import { type Access, protectedMode } from '../../src/interfaces/access/access.ts';
import {
  listenThrift,
  type ThriftDependencies,
  type ThriftOptions,
  type ThriftServer,
} from '../../src/interfaces/thrift/server.ts';
import { Counters } from '../../src/metrics/counters.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryPlans } from './memory-plans.ts';

/** A Thrift door on a free port, before plans kept in memory. */
export async function openThriftDoor(
  overrides: Partial<ThriftDependencies> = {},
  options: Partial<ThriftOptions> = {},
): Promise<ThriftServer & { readonly counters: Counters; readonly clock: FakeClock }> {
  const counters = new Counters();
  const clock = new FakeClock();
  const access: Access = protectedMode([]);
  const server = await listenThrift(
    { host: '127.0.0.1', port: 0, ...options },
    {
      plans: new MemoryPlans(),
      info: () => new Map([['forsun_version', '0.1.0']]),
      counters,
      clock,
      log: silentLog,
      access,
      ...overrides,
    },
  );
  return { ...server, counters, clock };
}

/** A bare TCP client that keeps what comes back. */
export class RawClient {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly closed: Promise<void>;
  #onChange: () => void = () => undefined;
  #isClosed = false;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#onChange();
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.on('end', () => this.socket.end());
      this.socket.on('close', () => {
        this.#isClosed = true;
        this.#onChange();
        resolve();
      });
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  send(bytes: Buffer | string): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : bytes);
  }

  /** What has come once it is that long, or the server has closed. */
  async receive(byteCount: number): Promise<Buffer> {
    while (this.received.length < byteCount && !this.#isClosed) {
      await new Promise<void>((resolve) => (this.#onChange = resolve));
    }
    return this.received;
  }

  close(): void {
    this.socket.destroy();
  }
}
