import { join } from 'node:path';

import { expect, test } from 'vitest';

import { silentLog } from '../../../src/core/log.ts';
import { addSeconds } from '../../../src/core/time.ts';
import { checkStore } from '../../../src/stores/level/check.ts';
import type { WriteBatch } from '../../../src/stores/level/database.ts';
import { countsKey, inFlightKey, planKey } from '../../../src/stores/level/keys.ts';
import { openLevelStore } from '../../../src/stores/level/open-level-store.ts';
import { planContentsCheck, planContentsRebuild } from '../../../src/stores/level/plan-contents.ts';
import { repairStore } from '../../../src/stores/level/repair.ts';
import type { Store } from '../../../src/stores/store.ts';
import { aDatabase, aDirectory, databaseDefaults } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { aDraft, T0 } from '../../support/plans.ts';

const check = async (directory: string): Promise<readonly string[]> =>
  (await checkStore(directory, planContentsCheck())).damage.map(({ what }) => what);

test('a store with plans in every state has no damage', async () => {
  expect(await check(await aStoreOfPlans())).toEqual([]);
});

test.each<[string, (batch: WriteBatch) => void, RegExp]>([
  ['a record garbled', (batch) => batch.put(planKey('far'), Buffer.from('x')), /"pfar".*version/],
  ['a record gone', (batch) => batch.del(planKey('far')), /its plan is missing/],
  ['an index entry gone', (batch) => batch.del(inFlightKey('running')), /"prunning".*is missing/],
  [
    'an index entry too many',
    (batch) => batch.put(inFlightKey('far'), Buffer.of(1)),
    /"ifar": its plan says otherwise/,
  ],
  ['the counts gone', (batch) => batch.del(countsKey), /the counts are missing/],
  ['the counts garbled', (batch) => batch.put(countsKey, Buffer.from('x')), /version/],
  ['a kind unknown', (batch) => batch.put(Buffer.from('zoo'), Buffer.of(1)), /"zoo": .*not know/],
])('%s: found by a check, put right by a repair', async (_, harm, what) => {
  const directory = await aStoreOfPlans();
  const database = await aDatabase(directory);
  await database.write(harm);
  await database.close();
  expect((await check(directory)).join('\n')).toMatch(what);

  const options = { log: silentLog, nowMs: T0 * 1000, rebuild: planContentsRebuild() };
  await repairStore(directory, options);
  expect(await check(directory)).toEqual([]);
  const store = await open(directory);
  const keys = await store.keys('', 10);
  expect(keys.filter((key) => key !== 'far')).toEqual(['parked', 'retried', 'running']);
  expect(store.planCount()).toBe(keys.length);
  const { generation } = await store.put(aDraft({ key: 'new' }), T0);
  expect(generation).toBeGreaterThan(1_000);
  await store.close();
});

async function open(directory: string): Promise<Store> {
  const clock = new FakeClock(T0);
  const options = { clock, statusKeepSeconds: 0, random: () => 0.5 };
  return openLevelStore({ ...databaseDefaults(directory), ...options });
}

async function aStoreOfPlans(): Promise<string> {
  const directory = join(await aDirectory(), 'store');
  const store = await open(directory);
  await store.put(aDraft({ key: 'far' }), addSeconds(T0, 86_400));
  for (const key of ['parked', 'retried', 'running']) await store.put(aDraft({ key }), T0);
  const { claims } = await store.claim(T0, { firings: 10, late: 10, lateBefore: T0 });
  for (const { firing } of claims) {
    if (firing.key === 'parked') await store.settle(firing, { kind: 'parked', origin: 'a' });
    if (firing.key === 'retried') {
      await store.settle(firing, { kind: 'retry', until: addSeconds(T0, 6) });
    }
  }
  await store.close();
  return directory;
}
