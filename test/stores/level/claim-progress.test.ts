import { expect, test } from 'vitest';

import { planNotStored } from '../../../src/core/errors.ts';
import { openDatabase } from '../../../src/stores/level/database.ts';
import { openLevelStoreOver } from '../../../src/stores/level/open-level-store.ts';
import { FailingDatabase } from '../../support/failing-database.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { addSeconds } from '../../../src/core/time.ts';
import { levelOptions } from './level-store-places.ts';

test('a claim that only sets a plan aside moves nothing: on a broken disk it would meet it for ever', async () => {
  const options = await levelOptions();
  let disk: FailingDatabase | undefined;
  const store = await openLevelStoreOver(
    async (onReopened) => (disk = new FailingDatabase(await openDatabase(options), onReopened)),
    options,
  );
  const params = new Map([
    ['forsun.misfire', 'fire_all'],
    ['forsun.max_unfinished', '1'],
  ]);
  await store.put(aDraft({ params }), addSeconds(T0, 5));
  const room = { firings: 10, late: 10, lateBefore: T0 };
  const first = await store.claim(addSeconds(T0, 10), room);
  expect(first).toMatchObject({ moved: 1, claims: [{}] });
  disk?.die();
  for (let n = 0; n < 3; n += 1) {
    const { moved } = await store.claim(addSeconds(T0, 10), room);
    expect(moved).toBe(0);
    await expect(store.put(aDraft(), T0)).rejects.toEqual(planNotStored('the disk is broken'));
  }
  await store.close();
});
