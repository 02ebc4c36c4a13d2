import { expect, test } from 'vitest';

import { addSeconds } from '../../../src/core/time.ts';
import { T0 } from '../../support/plans.ts';
import { aSharedStore } from '../../support/shared-store.ts';
import { aRedis } from './connection-rig.ts';

test('whoever reads while Redis is away is answered plan_not_stored', async () => {
  const redis = await aRedis();
  const store = await aSharedStore({ port: redis.port, patienceMs: 200 });
  await redis.kill();
  const reads: readonly (() => Promise<unknown>)[] = [
    () => store.get('a'),
    () => store.getMany(['a']),
    () => store.keys('', 10),
    () => store.agenda(T0, addSeconds(T0, 1), 10),
    () => store.failures('', 10),
    () => store.parkedOrigins(undefined, 10),
  ];
  for (const read of reads) {
    await expect(read()).rejects.toMatchObject({
      code: 'plan_not_stored',
      message: expect.stringMatching(/Redis|connection/i) as string,
    });
  }
});
