/** A connection as far as caps on their number go. */
export interface CountedConnection {
  readonly address: string;
  /** Since when nothing is asked of it; undefined while something is. */
  readonly idleSinceMs: number | undefined;
  cut(event: string, reason: string): void;
}

export interface ConnectionCaps {
  /** Connections in all; at the cap the one that is idle longest makes room. */
  readonly connections: number;
  /** The same of one address. */
  readonly connectionsPerAddress: number;
}

/** The open connections of a door, and who makes room when there are too many. */
export class Connections<C extends CountedConnection> {
  readonly #caps: ConnectionCaps;
  readonly #fullEvent: string;
  readonly #open = new Set<C>();
  #heldCount = 0;
  readonly #countByAddress = new Map<string, number>();

  /** `fullEvent` is logged of a connection that made room. */
  constructor(caps: ConnectionCaps, fullEvent: string) {
    this.#caps = caps;
    this.#fullEvent = fullEvent;
  }

  get size(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): IterableIterator<C> {
    return this.#open.values();
  }

  /**
   * True when one more from there may come. At a cap, the connection that is idle longest goes for it: of
   * that address when it is the address that has too many.
   */
  makeRoom(address: string): boolean {
    if (this.#count(address) >= this.#caps.connectionsPerAddress) {
      return this.#closeIdlest((connection) => connection.address === address);
    }
    return (
      this.#open.size + this.#heldCount < this.#caps.connections || this.#closeIdlest(() => true)
    );
  }

  /** Holds room for a client that shakes hands; what it returns gives that back. */
  hold(address: string): () => void {
    this.#heldCount++;
    this.#change(address, 1);
    return () => {
      this.#heldCount--;
      this.#change(address, -1);
    };
  }

  add(connection: C): void {
    this.#open.add(connection);
    this.#change(connection.address, 1);
  }

  delete(connection: C): void {
    if (this.#open.delete(connection)) this.#change(connection.address, -1);
  }

  #change(address: string, by: number): void {
    const count = this.#count(address) + by;
    if (count === 0) this.#countByAddress.delete(address);
    else this.#countByAddress.set(address, count);
  }

  #count(address: string): number {
    return this.#countByAddress.get(address) ?? 0;
  }

  #closeIdlest(isCandidate: (connection: C) => boolean): boolean {
    let idlest: C | undefined;
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
    idlest.cut(this.#fullEvent, 'it was idle longest when another client came');
    return true;
  }
}
