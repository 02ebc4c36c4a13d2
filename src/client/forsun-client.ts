import thrift from 'thrift';

import { maxFailuresListed } from '../core/failure.ts';
import type { Clock } from '../core/time.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { checked } from './checked.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import type { ClientTls } from './dial.ts';
import { ForsunConnectionError, ForsunPlanError, ForsunServerError } from './errors.ts';
import { failureOf, type Failure } from './failure.ts';
import { generatedTypes, type GeneratedClient, type WirePlan } from './generated.ts';
import { unmarkedMap } from './param-safe-protocol.ts';
import { planOf, wireParams, wirePlanOf, type Plan, type PlanParams } from './plan.ts';

export interface ForsunClientOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 6458. */
  readonly port?: number;
  /** A Unix socket, in place of host and port. */
  readonly path?: string;
  /** True: with TLS, the server's certificate judged as Node judges it. Default: without. */
  readonly tls?: boolean | ClientTls;
  /** Shows the server who calls. */
  readonly token?: string;
  /** How long a call waits for its reply; default 30,000. */
  readonly timeoutMs?: number;
  /** How long a connection may take to come about; default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Calls that may wait for their replies at once; default 10,000. */
  readonly maxWaitingCalls?: number;
  readonly clock?: Clock;
}

/** What to do when: each field a number, or absent for "any". */
export interface CalendarPlan {
  /** Absent or empty: the server makes one. A plan that has it is replaced. */
  readonly key?: string;
  readonly second?: number;
  readonly minute?: number;
  readonly hour?: number;
  readonly day?: number;
  readonly month?: number;
  readonly week?: number;
  /** Default `shell`. */
  readonly action?: string;
  readonly params?: PlanParams;
}

/** The interval is the sum of the fields, each times its unit. */
export interface IntervalPlan extends CalendarPlan {
  /** Firings before the plan ends; default 1, 0 for ever. */
  readonly count?: number;
}

export interface RestoreOptions {
  /** Rejects with code 1008 when the key has a plan. */
  readonly onlyIfAbsent?: boolean;
}

/**
 * A client of forsund. It connects with its first call, and again with the next call after a failure.
 * Calls may overlap; the server takes them in order. Every call settles: with its reply, or rejected with
 * ForsunPlanError (refused), ForsunConnectionError (no reply came) or ForsunServerError. No call is sent
 * twice.
 */
export class ForsunClient {
  readonly #options: ConnectionOptions;
  readonly #maxWaitingCalls: number;
  #connection: Connection | undefined;
  #isClosed = false;

  constructor(options: ForsunClientOptions = {}) {
    this.#options = {
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 6458,
      path: options.path,
      tls: options.tls === true ? {} : options.tls || undefined,
      token: checked.token(options.token),
      timeoutMs: options.timeoutMs ?? 30_000,
      connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
      maxReplyBytes: MAX_REPLY_BYTES,
      clock: options.clock ?? systemClock,
    };
    this.#maxWaitingCalls = options.maxWaitingCalls ?? 10_000;
  }

  /** Resolves when the server answers. */
  async ping(): Promise<void> {
    await this.#call((client) => client.ping());
  }

  /** Makes a plan that fires whenever the given fields match; resolves once it is durable. */
  async create(plan: CalendarPlan): Promise<Plan> {
    const [key, second, minute, hour, day, month, week, action, params] = wireArguments(plan);
    return this.#plan((client) =>
      client.create(key, second, minute, hour, day, month, week, action, params),
    );
  }

  /** Makes a plan that fires after an interval, `count` times; resolves once it is durable. */
  async createTimeout(plan: IntervalPlan): Promise<Plan> {
    const [key, second, minute, hour, day, month, week, action, params] = wireArguments(plan);
    const count = checked.count(plan.count);
    return this.#plan((client) =>
      client.createTimeout(key, second, minute, hour, day, month, week, count, action, params),
    );
  }

  /** Removes the plan and resolves to it as it was; rejects with code 1003 when there is none. */
  async remove(key: string): Promise<Plan> {
    const wireKey = checked.text('key', key);
    return this.#plan((client) => client.remove(wireKey));
  }

  /** Rejects with code 1003 when no plan has the key. */
  async get(key: string): Promise<Plan> {
    const wireKey = checked.text('key', key);
    return this.#plan((client) => client.get(wireKey));
  }

  /** Plans that run, are queued, or fall due in the current second. */
  async getCurrent(): Promise<readonly Plan[]> {
    return (await this.#call((client) => client.getCurrent())).map(planOf);
  }

  /** Plans whose next fire time is that second since the epoch. */
  async getTime(timestamp: number): Promise<readonly Plan[]> {
    const second = checked.int('timestamp', timestamp);
    return (await this.#call((client) => client.getTime(second))).map(planOf);
  }

  /** Keys that begin with the prefix, in byte order; all by default. */
  async getKeys(prefix = ''): Promise<readonly string[]> {
    const wirePrefix = checked.text('prefix', prefix);
    return this.#call((client) => client.getKeys(wirePrefix));
  }

  /**
   * Keys that begin with the prefix, literally, in byte order, behind `after`: at most `limit`, and what one
   * reply may list. With none there are no more.
   */
  async listKeys(prefix = '', after = '', limit = 1_000): Promise<readonly string[]> {
    const wirePrefix = checked.text('prefix', prefix);
    const wireAfter = checked.text('after', after);
    const wireLimit = checked.limit(limit, 2_147_483_647);
    return this.#call((client) => client.listKeys(wirePrefix, wireAfter, wireLimit));
  }

  /**
   * Puts a plan, as `get` of a server has told it, with due time, zone and counts as they are; resolves once
   * it is durable. A plan of its key is replaced, or with `onlyIfAbsent` stays: then it rejects with 1008.
   */
  async restore(plan: Plan, { onlyIfAbsent = false }: RestoreOptions = {}): Promise<Plan> {
    const wire = wirePlanOf(plan);
    return this.#plan((client) => client.restore(wire, onlyIfAbsent));
  }

  /**
   * What was given up as failed, newest first, of keys that begin with the prefix: at most `limit`, 1 to
   * 10,000.
   */
  async getFailures(prefix = '', limit = maxFailuresListed): Promise<readonly Failure[]> {
    const wirePrefix = checked.text('prefix', prefix);
    const wireLimit = checked.limit(limit, maxFailuresListed);
    return (await this.#call((client) => client.getFailures(wirePrefix, wireLimit))).map(failureOf);
  }

  /** What the server says about itself: its version, counters and gauges, as texts. */
  async info(): Promise<ReadonlyMap<string, string>> {
    return unmarkedMap(await this.#call((client) => client.info()));
  }

  /** Ends the connection; calls in flight and later ones are rejected. */
  close(): void {
    this.#isClosed = true;
    this.#connection?.destroy();
  }

  async #plan(invoke: (client: GeneratedClient) => Promise<WirePlan>): Promise<Plan> {
    return planOf(await this.#call(invoke));
  }

  async #call<Reply>(invoke: (client: GeneratedClient) => Promise<Reply>): Promise<Reply> {
    try {
      return await this.#open().call(invoke);
    } catch (error) {
      throw translated(error);
    }
  }

  #open(): Connection {
    if (this.#isClosed) throw new ForsunConnectionError('closed', 'the client is closed');
    if (this.#connection?.isUsable !== true) {
      this.#connection = new Connection(this.#options);
    }
    if (this.#connection.waitingCount >= this.#maxWaitingCalls) {
      const text = `${this.#maxWaitingCalls} calls wait for their replies`;
      throw new ForsunConnectionError('full', text);
    }
    return this.#connection;
  }
}

/** The server caps a reply at 16 MiB; what is far beyond is no reply of its. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;

function wireArguments(plan: CalendarPlan) {
  return [
    checked.text('key', plan.key ?? ''),
    checked.field('second', plan.second),
    checked.field('minute', plan.minute),
    checked.field('hour', plan.hour),
    checked.field('day', plan.day),
    checked.field('month', plan.month),
    checked.field('week', plan.week),
    checked.text('action', plan.action ?? 'shell'),
    wireParams(plan.params),
  ] as const;
}

/** The generated code's errors as ours. */
function translated(error: unknown): unknown {
  if (error instanceof generatedTypes.ForsunPlanError) {
    return new ForsunPlanError(error.code, error.message);
  }
  if (error instanceof thrift.Thrift.TApplicationException) {
    return new ForsunServerError(error.message);
  }
  // The generated code rejects with a bare text when a reply holds neither result nor error.
  return typeof error === 'string' ? new ForsunServerError(error) : error;
}
