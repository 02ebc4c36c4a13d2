import type { RedisClient } from './client.ts';
import { maxPartitions } from './keys.ts';
import { RedisRefused } from './refusal.ts';
import type { RedisSettings } from './settings.ts';

/** Of the layout that keys.ts draws. */
const layoutVersion = 1;
const partitionsAlone = 1;
const partitionsOnCluster = 16;

/**
 * What is laid down when a store is first opened, for ever, in a hash of its own:
 *
 *   <prefix>:<server id>:meta   layout: its version; partitions: how many there are
 *
 * Of nodes that open a new store at once, one lays it down for all: HSETNX.
 */
export const metaKey = ({ prefix, serverId }: Pick<RedisSettings, 'prefix' | 'serverId'>): string =>
  `${prefix}:${serverId}:meta`;

/** Whether somebody has opened the store before. */
export const isStoreThere = async (
  client: RedisClient,
  settings: RedisSettings,
): Promise<boolean> => (await client.exists(metaKey(settings))) === 1;

/** The partitions of the store, which is begun if it is new; rejects with RedisRefused if it is not as told. */
export async function fixPartitions(client: RedisClient, settings: RedisSettings): Promise<number> {
  const key = metaKey(settings);
  const { layout, partitions } = await laidDown(client, key, settings.partitions);
  if (layout !== layoutVersion) {
    throw new RedisRefused(
      `the store at ${key} has layout ${layout}, this forsun knows ${layoutVersion}: install the forsun that made it, or a newer one`,
    );
  }
  if (partitions > maxPartitions) {
    throw new RedisRefused(
      `the store at ${key} has ${partitions} partitions, expected at most ${maxPartitions}: was that key changed by hand?`,
    );
  }
  if (settings.partitions !== undefined && settings.partitions !== partitions) {
    throw new RedisRefused(
      `the store at ${key} has ${partitions} partitions for ever, --driver-redis-partitions asks for ${settings.partitions}: leave that out, or begin another store with another --driver-redis-server-id`,
    );
  }
  return partitions;
}

/** What stands there, and if nothing did, is laid down first. */
async function laidDown(client: RedisClient, key: string, wanted: number | undefined) {
  const usual = client.isCluster ? partitionsOnCluster : partitionsAlone;
  let found: (string | null)[] = [];
  try {
    await client.hsetnx(key, 'layout', layoutVersion);
    await client.hsetnx(key, 'partitions', wanted ?? usual);
    found = await client.hmget(key, 'layout', 'partitions');
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('WRONGTYPE'))) throw error;
  }
  const [layout, partitions] = found.map((text) =>
    /^[1-9]\d*$/.test(text ?? '') ? Number(text) : 0,
  );
  if (!layout || !partitions) {
    throw new RedisRefused(
      `the key ${key} is none of a store: choose another --driver-redis-prefix`,
    );
  }
  return { layout, partitions };
}

/**
 * To be asked when a connection was made anew: whether the store that was opened is there. One that is gone, for
 * Redis came back without its keys, is begun again with as many partitions; rejects with RedisRefused when there
 * is another in its place.
 */
export async function isStillThere(
  client: RedisClient,
  settings: RedisSettings,
  partitions: number,
): Promise<boolean> {
  const isThere = await isStoreThere(client, settings);
  await fixPartitions(client, { ...settings, partitions });
  return isThere;
}
