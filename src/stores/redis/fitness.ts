import type { Cluster, Redis } from 'ioredis';

import type { Log } from '../../core/log.ts';
import type { RedisClient } from './client.ts';
import { nodeAddress } from './connection-watch.ts';
import { fixPartitions, isStillThere, isStoreThere } from './fixed.ts';
import { refuseOriginal } from './original-keys.ts';
import { factsTold, refuseUnfit, warningsOf } from './redis-checks.ts';
import { readFacts, type RedisFacts } from './redis-facts.ts';
import { RedisRefused } from './refusal.ts';
import { addressText, type RedisSettings, serversText } from './settings.ts';

/** Whether a connected Redis is fit for the store, at first and whenever a connection was made anew. */
export class Fitness {
  readonly #client: RedisClient;
  readonly #settings: RedisSettings;
  readonly #log: Log;
  #partitions = 0;
  /** What was told last. */
  #told = '';

  constructor(client: RedisClient, settings: RedisSettings, log: Log) {
    this.#client = client;
    this.#settings = settings;
    this.#log = log;
  }

  /** Tells what it is, begins the store if it is new, and resolves to its partitions; rejects with RedisRefused. */
  async find(): Promise<number> {
    const [client, settings] = [this.#client, this.#settings];
    const facts = await this.#fitFacts();
    // The original knows no cluster.
    if (!isCluster(client) && !(await isStoreThere(client, settings))) {
      await refuseOriginal(client, settings);
    }
    this.#partitions = await fixPartitions(client, settings);
    this.#tell(facts);
    return this.#partitions;
  }

  /** Tells if the store is not there any more, and what this Redis is, if that is another one or set otherwise. */
  async lookAgain(): Promise<void> {
    try {
      await this.#lookForStore();
      this.#tell(await this.#fitFacts());
    } catch (error) {
      // Any other: the connection is lost again, and this is asked when it is back.
      if (error instanceof RedisRefused) this.#error('store_redis_unfit', error.message);
    }
  }

  async #lookForStore(): Promise<void> {
    try {
      const isThere = await isStillThere(this.#client, this.#settings, this.#partitions);
      if (!isThere) this.#error('store_redis_emptied');
    } catch (error) {
      if (!(error instanceof RedisRefused)) throw error;
      this.#error('store_redis_replaced');
    }
  }

  async #fitFacts(): Promise<readonly RedisFacts[]> {
    const client = this.#client;
    const address = this.#address;
    const facts = await Promise.all(
      serversOf(client).map((server) =>
        readFacts(server, client.isCluster ? nodeAddress(server) : address),
      ),
    );
    for (const one of facts) refuseUnfit(one, client.isCluster);
    return facts;
  }

  #tell(facts: readonly RedisFacts[]): void {
    const mode = this.#settings.servers.kind;
    const told = {
      address: this.#address,
      mode,
      ...factsTold(facts),
      partitions: this.#partitions,
    };
    const warnings = [...new Set(facts.flatMap(warningsOf))].join('; ');
    const text = JSON.stringify([told, warnings]);
    if (text === this.#told) return;
    this.#told = text;
    if (warnings === '') this.#log.info('store_redis_ready', told);
    else this.#log.warn('store_redis_ready', { ...told, warnings });
  }

  #error(event: string, reason?: string): void {
    const address = this.#address;
    this.#log.error(event, reason === undefined ? { address } : { address, reason });
  }

  get #address(): string {
    return addressOf(this.#client, this.#settings);
  }
}

/** Where the store is: by sentinels, which server they have named. */
export function addressOf(client: RedisClient, { servers }: RedisSettings): string {
  if (servers.kind !== 'sentinels' || isCluster(client)) return serversText(servers);
  const { remoteAddress: host, remotePort: port } = client.stream;
  const address = host === undefined || port === undefined ? '' : addressText({ host, port });
  return `${servers.master} ${address}`.trimEnd();
}

const isCluster = (client: RedisClient): client is Cluster => client.isCluster;

/** All that take changes. */
const serversOf = (client: RedisClient): readonly Redis[] =>
  isCluster(client) ? client.nodes('master') : [client];
