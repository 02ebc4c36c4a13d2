import { expect, test } from 'vitest';

import { aDirectory } from '../support/database.ts';
import { LevelRig } from '../support/level-rig.ts';
import { T0 } from '../support/plans.ts';
import { once } from '../support/rig.ts';

test('law 7, no plan hurts another: ended plans that go hold up nobody who is due', async () => {
  const rig = await LevelRig.open(await aDirectory(), {
    store: { statusKeepSeconds: 2 },
    scheduler: { claimSize: 8 },
  });
  for (let n = 0; n < 40; n += 1) await rig.scheduler.create(once(1, `ended${n}`));
  await rig.pass(2);
  for (let n = 0; n < 40; n += 1) await rig.scheduler.create(once(2, `fresh${n}`));
  await rig.pass(2);
  expect(rig.probe.runs.filter(({ fireTime }) => fireTime === T0 + 4)).toHaveLength(40);
  expect(rig.store.planCount()).toBe(40);
  await rig.stop();
});
