import { randomUUID } from 'node:crypto';

import type { Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';

import { silentLog } from '../../src/core/log.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { openRedisStore } from '../../src/stores/redis/open-redis-store.ts';
import { describeStoreModel } from '../contract/store-model.ts';
import { describeStore, type StorePlace } from '../contract/store.ts';
import { RedisServer } from '../support/redis-server.ts';

let server: RedisServer;
let client: Redis;

beforeAll(async () => {
  server = await RedisServer.start();
  client = server.client();
});
afterAll(() => server.stop());

const placeWith = (partitions: number) => async (): Promise<StorePlace> => {
  const redis = { client, prefix: randomUUID(), serverId: 0, partitions };
  return {
    open: (dueClock, options) =>
      openRedisStore({
        ...{ redis, clock: systemClock, dueClock, log: silentLog, leaseSeconds: 60 },
        random: () => 0.5,
        ...options,
      }),
    destroy: async () => {
      await client.flushall();
    },
  };
};

describeStore('the Redis store', placeWith(1));
describeStoreModel('the Redis store', placeWith(1));
