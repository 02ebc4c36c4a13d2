import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { Clock } from '../../core/time.ts';
import type { Counters } from '../../metrics/counters.ts';
import { onUnixSocket, type Peer } from '../access/peer.ts';
import type { Complaints } from '../complaints.ts';
import type { CountedConnection } from '../connections.ts';
import type { MemoryBudget, MemoryHolder } from '../memory-budget.ts';
import type { HttpSettings } from './settings.ts';

/** What all connections of the bridge share. */
export interface HttpLobby {
  readonly settings: HttpSettings;
  readonly counters: Counters;
  readonly complaints: Complaints;
  readonly clock: Clock;
  readonly memory: MemoryBudget;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * One connection of the bridge. Its requests are served one after the other, in the order they came, though
 * a client sends several before the first is answered: so what it sent takes effect in that order, and no
 * more than one reply waits to be taken.
 */
export class HttpConnection implements CountedConnection, MemoryHolder {
  readonly peer: Peer;
  readonly address: string;
  readonly #socket: Socket;
  readonly #lobby: HttpLobby;
  /** Requests whose headers came and whose replies were not taken, oldest first, with what ends each. */
  readonly #underWay = new Map<Exchange, () => void>();
  /** Resolves when the newest of them has ended. */
  #newestEnded: Promise<void> = Promise.resolve();
  #heldBytes = 0;
  #idleSinceMs: number | undefined;
  #isFinishing = false;
  /** The last reply was told to be the last: what was sent behind its request is not served. */
  #isOver = false;
  #lastWords: string | undefined;
  #hasSaidLast = false;

  constructor(socket: Socket, peer: Peer, lobby: HttpLobby) {
    this.#socket = socket;
    this.peer = peer;
    this.address = peer.address ?? onUnixSocket;
    this.#lobby = lobby;
    this.#idleSinceMs = lobby.clock.monotonicMs();
    socket.on('close', () => {
      for (const end of [...this.#underWay.values()]) end();
    });
  }

  get idleSinceMs(): number | undefined {
    return this.#idleSinceMs;
  }

  /** Bytes of the body that came and of the reply that was not taken, of the request being served. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** What a request is about whose body has not come whole; undefined when there is none. */
  get incompleteTarget(): string | undefined {
    const newest = [...this.#underWay.keys()].at(-1);
    return newest?.request.complete === false ? newest.request.url : undefined;
  }

  /** Resolves when it is this request's turn to be served; false: it comes too late to be answered. */
  async turn(exchange: Exchange): Promise<boolean> {
    const before = this.#newestEnded;
    this.#idleSinceMs = undefined;
    this.#newestEnded = new Promise((resolve) => {
      const end = (): void => {
        if (!this.#underWay.delete(exchange)) return;
        this.#ended(exchange);
        resolve();
      };
      this.#underWay.set(exchange, end);
      exchange.response.once('close', end);
    });
    this.#lobby.counters.add('http_requesting_count');
    const { pipelined } = this.#lobby.settings;
    if (this.#underWay.size > pipelined) {
      this.cut('http_pipeline_full', `over ${pipelined} requests were sent before their replies`);
    }
    await before;
    return !this.#isOver && !this.#socket.destroyed;
  }

  /** That many more bytes are held, until the request being served has ended. */
  hold(bytes: number): void {
    if (this.#underWay.size > 0) this.#setHeld(this.#heldBytes + bytes);
  }

  /** Answers what was begun, then closes. */
  finish(): void {
    this.#isFinishing = true;
    if (this.#underWay.size === 0) this.destroy();
  }

  /** Writes that behind the answers to what came whole, in place of the answer to what did not, and closes. */
  endWith(text: string): void {
    if (this.#lastWords !== undefined) return;
    this.#lastWords = text;
    this.#mayEnd();
  }

  /** Nothing came or went for a while. */
  fellSilent(): void {
    const { sendTimeoutMs } = this.#lobby.settings;
    if (this.#idleSinceMs !== undefined) this.destroy();
    else if (this.#socket.writableLength > 0) {
      this.cut('http_reply_not_taken', `a reply was not taken for ${sendTimeoutMs} ms`);
    }
  }

  cut(event: string, reason: string): void {
    this.#lobby.complaints.warn(event, { peer: this.address, reason });
    this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #ended({ response }: Exchange): void {
    const { counters, clock } = this.#lobby;
    counters.add('http_requesting_count', -1);
    counters.add('http_requested_count');
    if (response.statusCode >= 400) counters.add('http_requested_error_count');
    if (this.#isFinishing || response.getHeader('connection') === 'close') this.#isOver = true;
    this.#setHeld(0);
    if (this.#underWay.size > 0) {
      this.#mayEnd();
      return;
    }
    this.#idleSinceMs = clock.monotonicMs();
    if (this.#isFinishing) this.#socket.destroySoon();
    this.#mayEnd();
  }

  #mayEnd(): void {
    if (this.#lastWords === undefined || this.#hasSaidLast || this.#socket.destroyed) return;
    const left = [...this.#underWay.keys()];
    if (left.some(({ request }) => request.complete)) return;
    if (left.some(({ response }) => response.headersSent)) {
      this.destroy();
      return;
    }
    this.#hasSaidLast = true;
    // Closed at once, the client would be reset before it has read this.
    this.#socket.end(this.#lastWords);
    const { clock, settings } = this.#lobby;
    const cancel = clock.after(settings.lingerMs, () => this.destroy());
    this.#socket.once('close', cancel);
  }

  #setHeld(bytes: number): void {
    this.#heldBytes = bytes;
    this.#lobby.memory.note(this);
  }
}
