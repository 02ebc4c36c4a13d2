import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Redis } from 'ioredis';

import type { Action, Outcome } from '../../src/actions/action.ts';
import { nameDefaults, Names } from '../../src/actions/names.ts';
import { redisAction, redisDefaults, type RedisSettings } from '../../src/actions/redis.ts';
import { RedisServer, type RedisServerOptions } from '../support/redis-server.ts';
import { RawServer } from './sink.ts';
import { fire, network, realClock, RecordedLog } from './support.ts';

export const done = { kind: 'done' };

export const reasonOf = (outcome: Outcome): string => ('reason' in outcome ? outcome.reason : '');

/** A redis-server for the tests of one file, emptied before each, and actions that are closed after it. */
export class RedisRig {
  #server: RedisServer | undefined;
  #redis: Redis | undefined;
  #toClose: (() => Promise<void> | undefined)[] = [];

  constructor() {
    beforeAll(async () => {
      this.#server = await RedisServer.start();
      this.#redis = this.#server.client();
    });
    beforeEach(() => this.redis.flushall());
    afterEach(async () => {
      for (const close of this.#toClose.splice(0)) await close();
    });
    afterAll(() => this.#server?.stop());
  }

  get server(): RedisServer {
    return this.#server!;
  }

  /** To look into it. */
  get redis(): Redis {
    return this.#redis!;
  }

  get target(): string {
    return `redis:127.0.0.1:${this.server.port}`;
  }

  action(settings: Partial<RedisSettings> = {}): Action {
    const names = new Names(realClock, nameDefaults);
    const action = redisAction(
      { ...redisDefaults, ...settings },
      { clock: realClock, log: new RecordedLog(), ...network(realClock, names) },
    );
    this.#toClose.push(() => {
      names.close();
      return action.close?.();
    });
    return action;
  }

  /** One run at the server, unless the params name another. */
  run(
    action: Action,
    command: string,
    params: Record<string, string> = {},
    signal = new AbortController().signal,
  ): Promise<Outcome> {
    return fire(action, { port: String(this.server.port), command, ...params }, { signal });
  }

  refused(reason: string): Outcome {
    return { kind: 'failed', reason: `refused by ${this.target}: ${reason}` };
  }

  noAnswer(reason: string, port = String(this.server.port)): Outcome {
    return { kind: 'retry', reason: `no answer from redis:127.0.0.1:${port}: ${reason}` };
  }

  async anotherServer(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = await RedisServer.start(options);
    this.#toClose.push(() => server.stop());
    return server;
  }

  /** The port of a server that does as it is told with each connection. */
  async serving(serve: Parameters<typeof RawServer.open>[0]): Promise<string> {
    const raw = await RawServer.open(serve);
    this.#toClose.push(() => raw.close());
    return String(raw.port);
  }

  /** The port of a server that gives that answer to what comes first on each connection. */
  answering(bytes: string | Buffer): Promise<string> {
    return this.serving((socket) => socket.once('data', () => socket.write(bytes)));
  }

  /** A line for each connection. */
  async clientList(): Promise<readonly string[]> {
    return String(await this.redis.client('LIST'))
      .trim()
      .split('\n');
  }

  async connectionsTaken(): Promise<number> {
    const stats = await this.redis.info('stats');
    return Number(/total_connections_received:(\d+)/.exec(stats)?.[1]);
  }
}
