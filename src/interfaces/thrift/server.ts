import type { AddressInfo, Socket } from 'node:net';

import type { Log } from '../../core/log.ts';
import type { Cancel, Clock } from '../../core/time.ts';
import type { Counters } from '../../metrics/counters.ts';
import type { PlanService } from '../../scheduler/plan-service.ts';
import type { Access } from '../access/access.ts';
import type { Peer } from '../access/peer.ts';
import type { TlsFiles } from '../access/tls-files.ts';
import { Complaints } from '../complaints.ts';
import { Connections } from '../connections.ts';
import type { HandshakeDoor } from '../handshakes.ts';
import { MemoryBudget } from '../memory-budget.ts';
import { type Acceptance, Acceptor } from './acceptor.ts';
import { Connection, type Door } from './connection.ts';
import { createHandler } from './handler.ts';
import { Outbox } from './outbox.ts';
import { thriftDefaults, type ThriftSettings } from './settings.ts';

export interface ThriftOptions extends Partial<ThriftSettings> {
  /** A name, an address, or unix:/path. */
  readonly host: string;
  /** 0: any that is free; of no meaning on a Unix socket. */
  readonly port: number;
}

export interface ThriftDependencies {
  readonly plans: PlanService;
  readonly info: () => ReadonlyMap<string, string>;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
  readonly access: Access;
  /** Absent: the port has no TLS. */
  readonly tls?: TlsFiles | undefined;
}

export interface ThriftServer {
  /** Of a Unix socket, its address is unix:/path, and its family unix. */
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

class ThriftListener implements Acceptance {
  readonly handshakes: HandshakeDoor;
  readonly #settings: ThriftSettings;
  readonly #access: Access;
  readonly #counters: Counters;
  readonly #clock: Clock;
  readonly #complaints: Complaints;
  readonly #door: Door;
  readonly #connections: Connections<Connection>;
  readonly #acceptor: Acceptor;
  #cancelSweep: Cancel | undefined;

  constructor(settings: ThriftSettings, dependencies: ThriftDependencies) {
    const { plans, info, counters, clock, log, access, tls } = dependencies;
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
    this.handshakes = {
      ...{ counters, complaints: this.#complaints, connections: this.#connections },
      timeoutMs: settings.messageTimeoutMs,
    };
    this.#acceptor = new Acceptor(tls, this);
  }

  async listen(host: string, port: number): Promise<AddressInfo> {
    const address = await this.#acceptor.listen(host, port);
    this.#sweepLater();
    return address;
  }

  async close(): Promise<void> {
    const closed = this.#acceptor.close();
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

  mayEnter(address: string): boolean {
    if (this.#connections.makeRoom(address)) return true;
    this.#counters.add('connections_refused_count');
    this.#complaints.warn('thrift_connections_full', {
      peer: address,
      reason: 'no connection is idle',
    });
    return false;
  }

  entered(socket: Socket, peer: Peer, address: string): void {
    const admission = this.#access.admit(peer);
    const { refusal } = admission;
    if (refusal !== undefined) {
      this.#counters.add('connections_refused_count');
      this.#complaints.warn('thrift_peer_refused', { peer: address, reason: refusal });
    }
    socket.setKeepAlive(true, keepAliveMs);
    this.#open(new Connection(socket, address, this.#door, admission), socket);
  }

  acceptFailed({ message: reason }: Error): void {
    this.#complaints.warn('thrift_accept_failed', { reason });
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
