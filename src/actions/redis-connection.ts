import type { Socket } from 'node:net';

import { AbstractConnector, Redis, ReplyError } from 'ioredis';

import type { Connection } from './connections.ts';
import { Unanswered } from './no-answer.ts';
import type { RedisCommand } from './redis-commands.ts';
import { ConnectionRefused, notRedis, RedisReplyGuard } from './redis-reply-guard.ts';

/** What came back for a command: as ioredis gives it, an error reply as an Error. */
export type RedisReply = unknown;

export const isErrorReply = (reply: RedisReply): reply is Error => reply instanceof ReplyError;

export interface RedisConnectionOptions {
  /** What makes the connection what it is to be; nothing else is sent before it has succeeded. */
  readonly greeting: readonly RedisCommand[];
  /** Of all replies to one run. */
  readonly maxReplyBytes: number;
  readonly signal: AbortSignal;
}

/**
 * One socket, and the ioredis client that speaks on it: it neither connects by itself nor again, keeps
 * nothing to send later, and sends nothing twice.
 */
export class RedisConnection implements Connection {
  readonly #socket: Socket;
  readonly #client: Redis;
  readonly #guard: RedisReplyGuard;
  #fault: Error | undefined;

  private constructor(socket: Socket, maxReplyBytes: number) {
    this.#socket = socket;
    this.#guard = new RedisReplyGuard(maxReplyBytes);
    this.#client = new Redis({
      Connector: connectorTo(socket),
      lazyConnect: true,
      protocol: 2,
      disableClientInfo: true,
      enableReadyCheck: false,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: null,
    });
    // What has no code is ioredis's own word for bytes that it cannot read.
    this.#client.on('error', (error) => this.#fail('code' in error ? error : notRedis()));
    this.#client.on('connect', () => this.#standGuard());
  }

  /** Speaks on a connected socket, its own from now on, and greets; rejects when that does not succeed. */
  static async over(socket: Socket, options: RedisConnectionOptions): Promise<RedisConnection> {
    const { greeting, maxReplyBytes, signal } = options;
    const connection = new RedisConnection(socket, maxReplyBytes);
    const end = (): void => connection.end();
    signal.addEventListener('abort', end);
    try {
      signal.throwIfAborted();
      await connection.#connect();
      for (const [index, reply] of (await connection.send(greeting)).entries()) {
        if (isErrorReply(reply)) {
          throw new ConnectionRefused(reply.message, greeting[index]?.name ?? '');
        }
      }
      return connection;
    } catch (error) {
      connection.end();
      throw error;
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  get isUsable(): boolean {
    return this.#client.status === 'ready' && this.#socket.readyState === 'open';
  }

  /**
   * Sends them as one pipeline. Resolves to all replies in order; when the connection is lost before the
   * last, to those there were if one of them is an error, and else rejects with why.
   */
  async send(commands: readonly RedisCommand[]): Promise<readonly RedisReply[]> {
    if (commands.length === 0) return [];
    const pipeline = this.#client.pipeline();
    for (const { name, args } of commands) pipeline.callBuffer(name, [...args]);
    this.#guard.expect(commands.length);
    const results = (await pipeline.exec()) ?? [];
    const replies = results.map(([error, reply]) => error ?? reply);
    const lost = replies.findIndex((reply) => reply instanceof Error && !isErrorReply(reply));
    if (lost === -1) return replies;
    const before = replies.slice(0, lost);
    if (before.some(isErrorReply)) return before;
    throw this.#whyLost();
  }

  end(): void {
    this.#client.disconnect();
    this.#socket.destroy();
  }

  async #connect(): Promise<void> {
    try {
      await this.#client.connect();
    } catch {
      throw this.#whyLost();
    }
  }

  /** Puts the guard between the socket and ioredis, before the first byte is read. */
  #standGuard(): void {
    const [receive, ...others] = this.#socket.listeners('data');
    if (receive === undefined || others.length > 0) {
      this.#fail(new TypeError('ioredis does not read as it did'));
      return;
    }
    this.#socket.removeAllListeners('data');
    this.#socket.on('data', (chunk: Buffer) => {
      try {
        this.#guard.check(chunk);
      } catch (error) {
        this.#fail(error as Error);
        return;
      }
      receive.call(this.#socket, chunk);
    });
  }

  #fail(error: Error): void {
    this.#fault ??= error;
    this.end();
  }

  #whyLost(): Error {
    return this.#fault ?? new Unanswered('the connection was closed');
  }
}

/** ioredis connects by a class of its own; this one has done so already. */
const connectorTo = (socket: Socket) =>
  class extends AbstractConnector {
    constructor() {
      super(0);
    }

    override async connect(): Promise<Socket> {
      return socket;
    }

    override disconnect(): void {
      socket.destroy();
    }
  };
