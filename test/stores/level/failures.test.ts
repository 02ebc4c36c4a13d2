import fc from 'fast-check';
import { expect, test } from 'vitest';

import { type Failure, failureOf } from '../../../src/core/failure.ts';
import { addSeconds, unixSeconds } from '../../../src/core/time.ts';
import { checkStore } from '../../../src/stores/level/check.ts';
import { decodeFailure, encodeFailure } from '../../../src/stores/failure-entry.ts';
import { failureKey, rangeOf } from '../../../src/stores/level/keys.ts';
import {
  type LevelStoreOptions,
  openLevelStore,
} from '../../../src/stores/level/open-level-store.ts';
import { planContentsCheck, planContentsRebuild } from '../../../src/stores/level/plan-contents.ts';
import { repairStore } from '../../../src/stores/level/repair.ts';
import type { Store } from '../../../src/stores/store.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { levelOptions, withDatabase } from './level-store-places.ts';

const { end, start } = rangeOf('failure');

const time = fc.integer({ min: -(2 ** 46), max: 2 ** 46 }).map(unixSeconds);
const aFailure: fc.Arbitrary<Failure> = fc.record(
  {
    key: fc.string({ unit: 'binary', maxLength: 20 }),
    generation: fc.nat(),
    action: fc.string({ unit: 'binary', maxLength: 20 }),
    fireTime: time,
    trigger: fc.integer({ min: 1 }),
    attempts: fc.nat(),
    failedAt: time,
    reason: fc.string({ unit: 'binary', maxLength: 256 }),
  },
  { requiredKeys: ['key', 'generation', 'action', 'fireTime', 'attempts', 'failedAt', 'reason'] },
);

/** Plans of these keys fire and fail, in that order. */
async function failAll(store: Store, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    await store.put(aDraft({ key, count: 1 }), T0);
    const room = { firings: 1, late: 1, lateBefore: addSeconds(T0, -60) };
    const { claims } = await store.claim(T0, room);
    await store.settle(claims[0]!.firing, { kind: 'failed', reason: `${key} is bad` });
  }
}

async function aStoreWithFailures(
  keys: readonly string[],
  overrides: Partial<LevelStoreOptions> = {},
): Promise<LevelStoreOptions> {
  const options = await levelOptions(overrides);
  const store = await openLevelStore(options);
  await failAll(store, keys);
  await store.close();
  return options;
}

const failedKeys = async (store: Store): Promise<string[]> =>
  (await store.failures('', 100)).map(({ key }) => key);

const check = async ({ directory }: LevelStoreOptions): Promise<readonly string[]> =>
  (await checkStore(directory, planContentsCheck())).damage.map(({ what }) => what);

test('a failure reads back as it was written', () => {
  fc.assert(
    fc.property(aFailure, (failure) => {
      expect(decodeFailure(encodeFailure(failure))).toEqual(failure);
    }),
  );
});

test('bytes that are not what was written are no failure, wherever one is changed or cut', () => {
  fc.assert(
    fc.property(aFailure, fc.nat(), fc.integer({ min: 1, max: 255 }), (failure, place, change) => {
      const bytes = Buffer.from(encodeFailure(failure));
      const at = place % bytes.length;
      expect(() => decodeFailure(bytes.subarray(0, at))).toThrow(RangeError);
      bytes[at]! ^= change;
      expect(() => decodeFailure(bytes)).toThrow(RangeError);
    }),
  );
});

test('an entry that cannot be read is left out and told; it stops nothing', async () => {
  const log = new RecordedLog();
  const options = await aStoreWithFailures(['a', 'b', 'c'], { log });
  await withDatabase(options, (db) =>
    db.write((batch) => batch.put(failureKey(2), Buffer.from([9, 1, 2, 3, 4]))),
  );
  const store = await openLevelStore(options);
  expect(await failedKeys(store)).toEqual(['c', 'a']);
  const reason = 'it has version 9, this forsund reads version 2';
  expect(log.lines).toContainEqual({
    level: 'warn',
    event: 'failure_unreadable',
    fields: { number: 2, reason },
  });
  await failAll(store, ['d']);
  expect(await failedKeys(store)).toEqual(['d', 'c', 'a']);
  await store.close();

  expect(await check(options)).toEqual([expect.stringContaining(reason)]);
  const repair = { log, nowMs: T0 * 1000, rebuild: planContentsRebuild() };
  expect(await repairStore(options.directory, repair)).toMatchObject({ entriesDropped: 1 });
  expect(await check(options)).toEqual([]);
  const repaired = await openLevelStore(options);
  await failAll(repaired, ['e']);
  expect(await failedKeys(repaired)).toEqual(['e', 'd', 'c', 'a']);
  await repaired.close();
});

test('a store that was made before failures were kept keeps them from now on', async () => {
  const options = await aStoreWithFailures([]);
  await withDatabase(options, (db) => db.write((batch) => batch.del(end)));
  const store = await openLevelStore(options);
  await failAll(store, ['a']);
  expect(await failedKeys(store)).toEqual(['a']);
  await store.close();
  expect(await check(options)).toEqual([]);
  await withDatabase(options, async (db) => expect((await db.getMany([end]))[0]).toBeDefined());
});

test('on disk there are never more than are kept, and they are the newest', async () => {
  const keys = Array.from({ length: 40 }, (_, n) => `k${n}`);
  const options = await aStoreWithFailures(keys, { failuresKept: 10 });
  await withDatabase(options, async (db) => {
    const entries = await db.entries({ gte: start, lt: end });
    const newest = keys.slice(-10);
    expect(entries.map(([, entry]) => decodeFailure(entry).key)).toEqual(newest);
  });
});

test('a reason longer than is kept is cut, never in the middle of a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (reason) => {
      const firing = { key: 'a', generation: 1, fireTime: T0, attempt: 1 };
      const { reason: kept } = failureOf(firing, { action: 'shell' }, reason, T0);
      expect(kept.length).toBeLessThanOrEqual(256);
      expect(Buffer.from(kept).toString()).toBe(kept);
      if (reason.length <= 256) expect(kept).toBe(reason);
    }),
  );
});
