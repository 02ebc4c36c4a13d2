import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

import type { Log } from '../../core/log.ts';
import type { Cancel, Clock } from '../../core/time.ts';
import type { Counters } from '../../metrics/counters.ts';
import type { PlanService } from '../../scheduler/plan-service.ts';
import type { Access } from '../access/access.ts';
import { Complaints } from '../complaints.ts';
import { Connections } from '../connections.ts';
import { MemoryBudget } from '../memory-budget.ts';
import { Connection, type Door } from './connection.ts';
import { createHandler } from './handler.ts';
import { Outbox } from './outbox.ts';
import { thriftDefaults, type ThriftSettings } from './settings.ts';

export interface ThriftOptions extends Partial<ThriftSettings> {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

export interface ThriftDependencies {
  readonly plans: PlanService;
  readonly info: () => ReadonlyMap<string, string>;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
  readonly access: Access;
}

export interface ThriftServer {
  readonly address: AddressInfo;
  /** Accepts nothing new, gives running calls closeTimeoutMs to answer; all is closed when it resolves. */
  close(): Promise<void>;
}

const sweepMs = 1_000;
const keepAliveMs = 60_000;

/** Serves forsun.thrift; rejects when the address cannot be had. */
export async function listenThrift(
  { host, port, ...overrides }: ThriftOptions,
  dependencies: ThriftDependencies,
): Promise<ThriftServer> {
  const listener = new ThriftListener({ ...thriftDefaults, ...overrides }, dependencies);
  const address = await listener.listen(host, port);
  return { address, close: () => listener.close() };
}

class ThriftListener {
  readonly #settings: ThriftSettings;
  readonly #access: Access;
  readonly #counters: Counters;
  readonly #clock: Clock;
  readonly #complaints: Complaints;
  readonly #door: Door;
  readonly #connections: Connections<Connection>;
  readonly #server: Server;
  #cancelSweep: Cancel | undefined;

  constructor(settings: ThriftSettings, dependencies: ThriftDependencies) {
    const { plans, info, counters, clock, log, access } = dependencies;
    this.#settings = settings;
    this.#access = access;
    this.#counters = counters;
    this.#clock = clock;
    this.#complaints = new Complaints(log, clock);
    const onInternalError = (method: string, error: unknown): void =>
      this.#complaints.error('thrift_call_failed', { method }, error);
    this.#door = {
      settings,
      handler: createHandler(plans, info, onInternalError),
      outbox: new Outbox(settings.replyBytes, onInternalError),
      counters,
      complaints: this.#complaints,
      clock,
      memory: new MemoryBudget(settings.heldBytes, 'thrift_memory_full'),
    };
    this.#connections = new Connections(settings, 'thrift_connections_full');
    // A client may send FIN behind its calls and still read the replies.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    );
  }

  async listen(host: string, port: number): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    // Such as EMFILE while accepting: the server goes on.
    this.#server.on('error', (error) =>
      this.#complaints.warn('thrift_accept_failed', { host, reason: error.message }),
    );
    this.#sweepLater();
    return this.#server.address() as AddressInfo; // it listens, and on no Unix socket
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) {
      if (connection.idleSinceMs === undefined) connection.finish();
      else connection.destroy();
    }
    const cancel = this.#clock.after(this.#settings.closeTimeoutMs, () => {
      for (const connection of this.#connections) connection.destroy();
    });
    await closed;
    cancel();
    this.#cancelSweep?.();
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress;
    if (address === undefined || !this.#connections.makeRoom(address)) {
      this.#counters.add('connections_refused_count');
      if (address !== undefined)
        this.#complaints.warn('thrift_connections_full', {
          peer: address,
          reason: 'no connection is idle',
        });
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    socket.setKeepAlive(true, keepAliveMs);
    const refusal = this.#access.refusal(address);
    if (refusal !== undefined) {
      this.#counters.add('connections_refused_count');
      this.#complaints.warn('thrift_peer_refused', { peer: address, reason: refusal });
    }
    this.#open(new Connection(socket, this.#door, refusal), socket);
  }

  #open(connection: Connection, socket: Socket): void {
    this.#connections.add(connection);
    this.#counters.add('connecting_count');
    this.#counters.add('connected_count');
    socket.on('close', () => {
      this.#connections.delete(connection);
      this.#counters.add('connecting_count', -1);
    });
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#clock.after(sweepMs, () => {
      const nowMs = this.#clock.monotonicMs();
      for (const connection of this.#connections) connection.sweep(nowMs);
      this.#sweepLater();
    });
  }
}
