import { expect, test } from 'vitest';

import { addSeconds } from '../../../src/core/time.ts';
import { room } from '../../contract/store.ts';
import { eventuallyPasses } from '../../support/eventually.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { aRedis } from '../../support/redis-nodes.ts';
import { aSharedStore } from '../../support/shared-store.ts';

const due = addSeconds(T0, 5);
const partitions = 3;
const firings = 30;
const refusing = '{forsun:0:0}:';

test('what a dead node had in other partitions is taken over, when the first one refuses', async () => {
  const server = await aRedis();
  const redis = server.client();
  const { port } = server;
  const dead = await aSharedStore({ port, partitions });
  for (let n = 0; n < firings; n++) await dead.put(aDraft({ key: `k/${n}`, count: 1 }), due);
  const log = new RecordedLog();
  const other = await aSharedStore({ port, log });
  expect((await dead.claim(due, room(due))).claims).toHaveLength(firings);
  const held = `${refusing}held:${dead.sessions[0]!}`;
  const inRefusing = await redis.scard(held);
  for (const [partition, session] of dead.sessions.entries()) {
    await redis.zadd(`{forsun:0:${partition}}:sessions`, 0, session);
  }
  await redis.rename(held, `${refusing}kept`);
  await redis.set(held, 'garbage');
  expect((await other.takeOver()).reclaimed).toBe(firings - inRefusing);
  expect(log.events()).toContain('partition_damaged');
  await redis.rename(`${refusing}kept`, held);
  // Where it had failed, it is looked at again when it answers.
  await eventuallyPasses(async () => {
    expect((await other.takeOver()).reclaimed).toBe(inRefusing);
  });
});
