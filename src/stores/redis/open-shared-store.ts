import { openRedisConnection } from './connection.ts';
import { openRedisStore, type RedisStoreOptions } from './open-redis-store.ts';
import type { RedisStore } from './redis-store.ts';
import type { RedisSettings } from './settings.ts';
import { unreachable } from './unreachable.ts';

export interface SharedStoreOptions extends Omit<RedisStoreOptions, 'redis' | 'leaseSeconds'> {
  readonly redis: RedisSettings & { readonly leaseSeconds: number };
}

/** Connects to the Redis of the settings and opens the store in it; both are closed together. */
export async function openSharedStore({
  redis,
  ...options
}: SharedStoreOptions): Promise<RedisStore> {
  const { log, clock } = options;
  const connection = await openRedisConnection(redis, { log, clock });
  const { leaseSeconds } = redis;
  try {
    return await openRedisStore({ ...options, redis: connection, leaseSeconds });
  } catch (error) {
    await connection.close();
    const isReply = error instanceof Error && error.name === 'ReplyError';
    throw isReply ? unreachable(redis, error) : error;
  }
}
