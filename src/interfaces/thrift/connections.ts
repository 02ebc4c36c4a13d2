import type { Connection } from './connection.ts';
import type { ThriftSettings } from './settings.ts';

/** The open connections, and who makes room when there are too many. */
export class Connections {
  readonly #settings: ThriftSettings;
  readonly #open = new Set<Connection>();
  readonly #countByAddress = new Map<string, number>();

  constructor(settings: ThriftSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#open.values();
  }

  /**
   * True when one more from there may come. At a cap, the connection that is idle longest goes for it: of
   * that address when it is the address that has too many.
   */
  makeRoom(address: string): boolean {
    if (this.#count(address) >= this.#settings.connectionsPerAddress) {
      return this.#closeIdlest((connection) => connection.address === address);
    }
    return this.#open.size < this.#settings.connections || this.#closeIdlest(() => true);
  }

  add(connection: Connection): void {
    this.#open.add(connection);
    this.#countByAddress.set(connection.address, this.#count(connection.address) + 1);
  }

  delete(connection: Connection): void {
    if (!this.#open.delete(connection)) return;
    const left = this.#count(connection.address) - 1;
    if (left === 0) this.#countByAddress.delete(connection.address);
    else this.#countByAddress.set(connection.address, left);
  }

  #count(address: string): number {
    return this.#countByAddress.get(address) ?? 0;
  }

  #closeIdlest(isCandidate: (connection: Connection) => boolean): boolean {
    let idlest: Connection | undefined;
    let idleSinceMs = Infinity;
    for (const connection of this.#open) {
      const sinceMs = connection.idleSinceMs;
      if (sinceMs !== undefined && sinceMs < idleSinceMs && isCandidate(connection)) {
        idlest = connection;
        idleSinceMs = sinceMs;
      }
    }
    if (idlest === undefined) return false;
    this.delete(idlest);
    idlest.cut('thrift_connections_full', 'it was idle longest when another client came');
    return true;
  }
}
