import { expect, onTestFinished, test } from 'vitest';

import { silentLog } from '../../../src/core/log.ts';
import { addSeconds } from '../../../src/core/time.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { openRedisStore } from '../../../src/stores/redis/open-redis-store.ts';
import { room } from '../../contract/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { RedisServer } from '../../support/redis-server.ts';

test('a claim that is done keeps no other node from claiming', async () => {
  const redis = await RedisServer.start();
  onTestFinished(() => redis.stop());
  const client = redis.client();
  const store = await openRedisStore({
    redis: { client, prefix: 'forsun', serverId: 0, partitions: 1 },
    ...{ clock: systemClock, dueClock: new FakeClock(T0), log: silentLog, random: Math.random },
    ...{ statusKeepSeconds: 0, leaseSeconds: 60 },
  });
  onTestFinished(() => store.close());
  await store.put(aDraft(), addSeconds(T0, 5));

  const due = addSeconds(T0, 5);
  expect((await store.claim(due, room(due))).claims).toHaveLength(1);
  expect(await client.exists('{forsun:0:0}:claiming')).toBe(0);
});
