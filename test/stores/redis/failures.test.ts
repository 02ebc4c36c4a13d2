import { expect, test } from 'vitest';

import { addSeconds } from '../../../src/core/time.ts';
import { room } from '../../contract/store.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { aSharedStore } from '../../support/shared-store.ts';
import { aRedis } from './connection-rig.ts';

test('a failure that cannot be read is told of, and the others are listed', async () => {
  const redis = await aRedis();
  const log = new RecordedLog();
  const store = await aSharedStore({ port: redis.port, log });
  const due = addSeconds(T0, 1);
  for (const key of ['a', 'b', 'c']) await store.put(aDraft({ key, count: 1 }), due);
  for (const { firing } of (await store.claim(due, room(due))).claims) {
    await store.settle(firing, { kind: 'failed', reason: `of ${firing.key}` });
  }
  const list = '{forsun:0:0}:failures';
  const client = redis.client();
  const [newest = ''] = await client.lrange(list, 0, 0);
  await client.lset(list, 1, newest.slice(0, 16) + 'theirs');
  await client.rpush(list, 'garbage');
  expect((await store.failures('', 10)).map(({ reason }) => reason)).toEqual(['of c', 'of a']);
  const told = log.lines.filter(({ event }) => event === 'failure_unreadable');
  expect(told).toMatchObject([
    { level: 'warn', fields: { reason: expect.stringContaining('version 116') as string } },
    { level: 'warn', fields: { number: NaN, reason: 'it begins with no number' } },
  ]);
});
