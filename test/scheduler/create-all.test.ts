import { expect, test } from 'vitest';

import type { PlanRequest } from '../../src/core/plan.ts';
import { Rig } from '../support/rig.ts';

const request = (key: string, second: number): PlanRequest => ({
  ...{ kind: 'interval', key, fields: { second }, count: 1 },
  ...{ action: 'probe', params: new Map() },
});

test('several plans are made in their order: of one key the last one stays', async () => {
  const rig = new Rig();
  const plans = await rig.scheduler.createAll([request('a', 5), request('b', 6), request('a', 7)]);
  expect(plans.map(({ key }) => key)).toEqual(['a', 'b', 'a']);
  expect(await rig.scheduler.get('a')).toEqual(plans[2]);
  expect(rig.counters.value('create_timeouted_count')).toBe(3);
});

test('with one that is refused none is made, and the refusal says which it is of', async () => {
  const rig = new Rig();
  const before = await rig.scheduler.create(request('a', 60));
  const bad = [
    { ...request('b', 1), action: 'bogus' },
    request('b', 40_000),
    { ...request('b', 1), params: new Map([['forsun.retries', 'x']]) },
  ];
  for (const one of bad) {
    const alone = await rig.scheduler.createAll([one]).catch((error: unknown) => error);
    const several = rig.scheduler.createAll([request('a', 5), one, request('c', 5)]);
    await expect(several).rejects.toMatchObject({
      code: (alone as { code: string }).code,
      message: `plan 2: ${(alone as Error).message}`,
    });
  }
  expect(await rig.scheduler.keys('')).toEqual(['a']);
  expect(await rig.scheduler.get('a')).toEqual(before);
});
