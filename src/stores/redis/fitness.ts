import type { Cluster, Redis } from 'ioredis';

import type { Log } from '../../core/log.ts';
import type { RedisClient } from './client.ts';
import { nodeAddress } from './connection-watch.ts';
import { fixPartitions, isStillThere, isStoreThere } from './fixed.ts';
import { refuseOriginal } from './original-keys.ts';
import { factsTold, refuseUnfit, warningsOf } from './redis-checks.ts';
import { readFacts } from './redis-facts.ts';
import { RedisRefused } from './refusal.ts';
import { addressText, type RedisSettings, serversText } from './settings.ts';

/** Looks whether a connected Redis is fit for the store, tells what it is, and resolves to its partitions. */
export async function findFit(
  client: RedisClient,
  settings: RedisSettings,
  log: Log,
): Promise<number> {
  const address = addressOf(client, settings);
  const facts = await Promise.all(
    serversOf(client).map((server) =>
      readFacts(server, client.isCluster ? nodeAddress(server) : address),
    ),
  );
  for (const one of facts) refuseUnfit(one, client.isCluster);
  // The original knows no cluster.
  if (!isCluster(client) && !(await isStoreThere(client, settings))) {
    await refuseOriginal(client, settings);
  }
  const partitions = await fixPartitions(client, settings);
  const told = { address, mode: settings.servers.kind, ...factsTold(facts), partitions };
  const warnings = [...new Set(facts.flatMap(warningsOf))].join('; ');
  if (warnings === '') log.info('store_redis_ready', told);
  else log.warn('store_redis_ready', { ...told, warnings });
  return partitions;
}

/** When a connection was made anew: tells if the store that was opened is not there any more. */
export async function lookAgain(
  client: RedisClient,
  settings: RedisSettings,
  partitions: number,
  log: Log,
): Promise<void> {
  const address = addressOf(client, settings);
  try {
    const isThere = await isStillThere(client, settings, partitions);
    if (!isThere) log.error('store_redis_emptied', { address });
  } catch (error) {
    // Any other: the connection is lost again, and this is asked when it is back.
    if (error instanceof RedisRefused) log.error('store_redis_replaced', { address });
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
