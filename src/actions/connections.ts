import type { Cancel, Clock } from '../core/time.ts';

/** A connection to some server, which carries one run at a time. */
export interface Connection {
  /** False once it has failed, was closed by its peer, or was ended: it is not lent again. */
  readonly isUsable: boolean;
  /** Lets go of it at once; whatever waits for it fails. Safe to call twice. */
  end(): void;
}

export interface ConnectionLimits {
  /** An idle connection is ended after that long. */
  readonly idleSeconds: number;
  /** Idle connections kept, to all targets; beyond that the one idle longest is ended. */
  readonly maxIdle: number;
}

interface Idle<C> {
  readonly identity: string;
  readonly connection: C;
  readonly cancelEnd: Cancel;
}

/**
 * Connections that wait for their next run, by identity: everything that makes a connection what it is,
 * credentials included, so that no plan ever gets another's. How many there are to one target follows from
 * how many runs it may have at once, which the dispatcher limits.
 */
export class Connections<C extends Connection> {
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;
  /** The one idle longest first. */
  readonly #idle = new Set<Idle<C>>();
  readonly #byIdentity = new Map<string, Idle<C>[]>();
  #isClosed = false;

  constructor(clock: Clock, limits: ConnectionLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get idleCount(): number {
    return this.#idle.size;
  }

  /**
   * Runs `use` on a connection of that identity, an idle one or one that `open` makes. Kept for the next run
   * when `use` resolves, ended when it rejects. When the signal aborts, the connection is ended and the
   * promise rejects with the signal's reason, whatever `use` does.
   */
  async lend<T>(
    identity: string,
    open: (signal: AbortSignal) => Promise<C>,
    signal: AbortSignal,
    use: (connection: C) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const connection = this.#takeIdle(identity) ?? (await this.#opened(open, signal));
    try {
      const result = await unlessAborted(signal, use(connection), () => connection.end());
      if (connection.isUsable && !this.#isClosed) this.#keep(identity, connection);
      else connection.end();
      return result;
    } catch (error) {
      connection.end();
      throw error;
    }
  }

  /** Ends what is idle, and what comes back later. */
  close(): void {
    this.#isClosed = true;
    for (const idle of [...this.#idle]) this.#end(idle);
  }

  /** What `open` brings after the abort is ended, not leaked. */
  #opened(open: (signal: AbortSignal) => Promise<C>, signal: AbortSignal): Promise<C> {
    const opening = open(signal);
    return unlessAborted(signal, opening, () => {
      opening.then(
        (connection) => connection.end(),
        () => undefined,
      );
    });
  }

  #takeIdle(identity: string): C | undefined {
    for (;;) {
      const idle = this.#byIdentity.get(identity)?.at(-1);
      if (idle === undefined) return undefined;
      this.#forget(idle);
      if (idle.connection.isUsable) return idle.connection;
      idle.connection.end();
    }
  }

  #keep(identity: string, connection: C): void {
    const cancelEnd = this.#clock.after(this.#limits.idleSeconds * 1000, () => this.#end(idle));
    const idle: Idle<C> = { identity, connection, cancelEnd };
    this.#idle.add(idle);
    const others = this.#byIdentity.get(identity);
    if (others === undefined) this.#byIdentity.set(identity, [idle]);
    else others.push(idle);
    const [oldest] = this.#idle;
    if (oldest !== undefined && this.#idle.size > this.#limits.maxIdle) this.#end(oldest);
  }

  #end(idle: Idle<C>): void {
    this.#forget(idle);
    idle.connection.end();
  }

  #forget(idle: Idle<C>): void {
    idle.cancelEnd();
    this.#idle.delete(idle);
    const others = this.#byIdentity.get(idle.identity) ?? [];
    const rest = others.filter((other) => other !== idle);
    if (rest.length === 0) this.#byIdentity.delete(idle.identity);
    else this.#byIdentity.set(idle.identity, rest);
  }
}

/** What the work comes to; when the signal aborts before, lets go and rejects with its reason. */
export function unlessAborted<T>(
  signal: AbortSignal,
  work: Promise<T>,
  letGo: () => void = () => undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      letGo();
      reject(signal.reason as Error); // `any` by the standard
    };
    const forget = (): void => signal.removeEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
    work.finally(forget).then(resolve, reject);
  });
}
