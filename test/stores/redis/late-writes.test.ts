import { expect, test, vi } from 'vitest';

import { addSeconds } from '../../../src/core/time.ts';
import { room } from '../../contract/store.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { aRedis } from '../../support/redis-nodes.ts';
import { aSharedStore } from '../../support/shared-store.ts';

/** As on a Redis that is so slow that the time of each script is over when it first looks. */
vi.mock(import('../../../src/stores/redis/scripts.ts'), async (original) => {
  const { scripts } = await original();
  const write = scripts.write.replace('seconds() + 0.003', 'seconds() - 1');
  if (write === scripts.write) throw new Error('the script has another deadline');
  return { scripts: { ...scripts, write } };
});

test('what a script has no time for is written by the next, once', async () => {
  const server = await aRedis();
  const store = await aSharedStore({ port: server.port });
  const redis = server.client();
  const keys = Array.from({ length: 200 }, (_, n) => `plan-${n}`);
  const due = addSeconds(T0, 5);
  const plans = await Promise.all(keys.map((key) => store.put(aDraft({ key, count: 1 }), due)));
  expect(await store.keys('', 1_000)).toEqual(keys.toSorted());
  expect(new Set(plans.map(({ generation }) => generation)).size).toBe(keys.length);

  const firings = [];
  while (firings.length < keys.length) {
    const { claims } = await store.claim(due, room(due, { firings: 100 }));
    firings.push(...claims.map(({ firing }) => firing));
  }
  expect(firings.map(({ key }) => key).sort()).toEqual(keys.toSorted());
  expect(await Promise.all(firings.map((firing) => store.confirm(firing)))).not.toContain(false);
  await Promise.all(
    firings.map((firing) => store.settle(firing, { kind: 'failed', reason: 'no' })),
  );
  expect(await store.keys('', 1_000)).toEqual([]);
  expect(store.planCount()).toBe(0);
  expect(await store.failures('', 1_000)).toHaveLength(keys.length);
  expect(await redis.keys('*:held:*')).toEqual([]);
});
