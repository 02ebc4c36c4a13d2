import { Redis } from 'ioredis';

import type { RedisUrl } from '../config/redis-url.ts';
import { quote } from '../core/errors.ts';
import { recordOf, type SourceRecord } from './source-record.ts';
import type { Witness } from './source-zone.ts';

export interface RedisPlace {
  readonly url: RedisUrl;
  /** When the URL has none. */
  readonly password?: string | undefined;
  readonly prefix: string;
  readonly serverId: number;
}

/** By default; what was told otherwise is no witness of a zone, or one whom others contradict. */
const currentTimeSeconds = 2_592_000;
const planSeconds = 604_800;

const connectMs = 5_000;
const maxReconnections = 5;
/** Keys that Redis looks at in one step, and plans that are fetched at once. */
const scanCount = 1_000;
const fetchCount = 64;
const runningMs = 3_000;

/**
 * What the original keeps in Redis, read in steps that hold nobody up; base is `<prefix>:<server id>`:
 *
 *   base:plan:<key>        a plan (original-plan.ts); expires a week after its due time
 *   base:time:<due time>   hash: key of each plan that is due then, and how it went: 0 not yet, 1, -1
 *   base:current:time      the second it was at, written each second; expires 30 days later
 */
export class RedisSource {
  readonly #redis: Redis;
  readonly #base: string;
  readonly #address: string;

  private constructor(redis: Redis, base: string, address: string) {
    this.#redis = redis;
    this.#base = base;
    this.#address = address;
  }

  /** Rejects with an Error that names the server, without secrets. */
  static async open({ url, password, prefix, serverId }: RedisPlace): Promise<RedisSource> {
    const { host, port = 6379 } = url;
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    let failure: Error | undefined;
    let isOpen = false;
    const redis = new Redis({
      ...{ host, port, db: url.db ?? 0, lazyConnect: true, protocol: 2, disableClientInfo: true },
      connectionName: 'forsun-import',
      connectTimeout: connectMs,
      username: url.username,
      password: url.password ?? password,
      tls: url.isTls ? {} : undefined,
      // A command whose reply was lost may be sent again: all of them only read.
      maxRetriesPerRequest: maxReconnections,
      retryStrategy: (attempt) => (isOpen && attempt <= maxReconnections ? attempt * 200 : null),
    });
    redis.on('error', (error) => (failure = error));
    await redis.connect().catch((error: unknown) => {
      redis.disconnect();
      throw unreadable(address, failure ?? error);
    });
    isOpen = true;
    return new RedisSource(redis, `${prefix}:${serverId}`, address);
  }

  close(): void {
    this.#redis.disconnect();
  }

  /** The server of these plans is at work, as far as can be seen. */
  async isRunning(): Promise<boolean> {
    const left = await this.#redis.pttl(`${this.#base}:current:time`);
    return left > currentTimeSeconds * 1000 - runningMs;
  }

  /** What its times are to be told by: its clock, and some of its plans, whose end of life is of Redis's clock. */
  async witnesses(): Promise<readonly Witness[]> {
    const clock = `${this.#base}:current:time`;
    const witnesses: Witness[] = [];
    const now = Number((await this.#redis.time())[0]);
    const [current, left] = [await this.#redis.get(clock), await this.#redis.pttl(clock)];
    if (current !== null && /^\d+$/.test(current) && left > 0) {
      const writtenAt = now + left / 1000 - currentTimeSeconds;
      witnesses.push({ stored: Number(current), writtenAt });
    }
    const [, keys] = await this.#scan('0');
    for (const key of keys.slice(0, fetchCount)) {
      const record = await this.#fetch(key);
      const ends = await this.#redis.pttl(key);
      if (record?.kind !== 'plan' || ends < 0) continue;
      const { nextTime } = record.original;
      const writtenAt = now + ends / 1000 - planSeconds;
      if (nextTime !== undefined) witnesses.push({ stored: nextTime, writtenAt });
    }
    return witnesses;
  }

  /** All plans; one may come twice, as SCAN has it. What changes meanwhile may come or not. */
  async *plans(): AsyncGenerator<SourceRecord> {
    try {
      let cursor = '0';
      do {
        const [next, keys] = await this.#scan(cursor);
        for (let from = 0; from < keys.length; from += fetchCount) {
          const some = keys.slice(from, from + fetchCount);
          const records = await Promise.all(some.map((key) => this.#fetch(key)));
          for (const record of records) if (record !== undefined) yield record;
        }
        cursor = next;
      } while (cursor !== '0');
    } catch (error) {
      throw unreadable(this.#address, error);
    }
  }

  async #scan(cursor: string): Promise<readonly [next: string, keys: readonly Buffer[]]> {
    const pattern = `${this.#base}:plan:`.replace(/[*?[\]\\^-]/g, '\\$&');
    const [next, keys] = await this.#redis.scanBuffer(
      ...([cursor, 'MATCH', `${pattern}*`, 'COUNT', scanCount] as const),
    );
    return [next.toString(), keys];
  }

  /** Undefined when it is there no more. */
  async #fetch(key: Buffer): Promise<SourceRecord | undefined> {
    const where = quote(key.toString());
    const bytes = await unlessOther(this.#redis.getBuffer(key));
    if (bytes === otherType) return { kind: 'bad', where, reason: 'it is no string' };
    if (bytes === null) return undefined;
    const record = recordOf(where, bytes);
    if (record.kind === 'bad' || record.original.nextTime === undefined) return record;
    // One that fires no more and is kept for its status still has the due time that it had.
    const { original } = record;
    const bucket = `${this.#base}:time:${original.nextTime}`;
    const status = await unlessOther(this.#redis.hget(bucket, original.key));
    const hasFired = status === '1' || status === '-1';
    return hasFired ? { ...record, original: { ...original, nextTime: undefined } } : record;
  }
}

const otherType = Symbol('a key of another type');

/** What was answered, or that the key is of another type than the original's: somebody else wrote it. */
async function unlessOther<T>(answer: Promise<T>): Promise<T | typeof otherType> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE ')) return otherType;
    throw error;
  }
}

const unreadable = (address: string, error: unknown): Error =>
  new Error(`Redis at ${address}: ${error instanceof Error ? error.message : String(error)}`);
