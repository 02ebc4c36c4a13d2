import { expect, test } from 'vitest';

import { addSeconds } from '../../../src/core/time.ts';
import { ContentsRebuild, judgeEntries } from '../../../src/stores/level/contents.ts';
import type { Database } from '../../../src/stores/level/database.ts';
import { agendaKey, countsKey, inFlightKey, planKey } from '../../../src/stores/level/keys.ts';
import { openLevelStore } from '../../../src/stores/level/open-level-store.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { levelOptions, withDatabase } from './level-store-places.ts';

const everything = { gte: Buffer.from([1]), lt: Buffer.from([0xff, 0xff]) };

/** A store that has an entry of every kind; closed. */
async function fullStore() {
  const options = await levelOptions({ statusKeepSeconds: 1000 });
  const store = await openLevelStore(options);
  const kinds = ['done', 'retry', 'released', 'parked', 'flying'] as const;
  for (const key of kinds) {
    await store.put(aDraft({ key, count: key === 'done' ? 1 : 0 }), addSeconds(T0, 5));
  }
  const now = addSeconds(T0, 5);
  const { claims } = await store.claim(now, { firings: 9, late: 9, lateBefore: T0 });
  for (const { firing } of claims) {
    const kind = kinds.find((name) => name === firing.key);
    if (kind === 'retry') await store.settle(firing, { kind, until: addSeconds(T0, 30) });
    else if (kind === 'parked') await store.settle(firing, { kind, origin: 'http:x:80' });
    else if (kind !== 'flying' && kind !== undefined) await store.settle(firing, { kind });
  }
  await store.close();
  return options;
}

const findings = async (db: Database): Promise<string[]> => {
  const entries = await db.entries(everything);
  const verdicts = await judgeEntries(entries, (keys) => db.getMany(keys));
  return verdicts.filter((verdict) => verdict !== undefined);
};

test('a store as it is kept has nothing wrong with it', async () => {
  await withDatabase(await fullStore(), async (db) => {
    expect(new Set((await db.keys(everything)).map((key) => key.toString('latin1', 0, 1)))).toEqual(
      new Set(['a', 'i', 'k', 'm', 'p', 'w']),
    );
    expect(await findings(db)).toEqual([]);
  });
});

test('every entry that is missing, too many, or garbled is found', async () => {
  await withDatabase(await fullStore(), async (db) => {
    const whole = await db.entries(everything);
    for (const [key, value] of whole) {
      const isMark = value.length === 0;
      const isCounts = key.equals(countsKey);
      await db.write((batch) => batch.del(key));
      expect([key.toString('latin1'), (await findings(db)).length > 0]).toEqual([
        key.toString('latin1'),
        !isMark && !isCounts,
      ]);
      await db.write((batch) => batch.put(key, Buffer.concat([Buffer.from([9]), value])));
      expect((await findings(db)).length > 0).toBe(!isMark);
      await db.write((batch) => batch.put(key, value));
    }
    const strays = [
      inFlightKey('nobody'),
      inFlightKey('retry'),
      agendaKey('agenda', { due: T0, key: 'retry' }),
      Buffer.from('zzz'),
    ];
    for (const stray of strays) {
      await db.write((batch) => batch.put(stray, Buffer.from([1])));
      expect(await findings(db)).toHaveLength(1);
      await db.write((batch) => batch.del(stray));
    }
    expect(await findings(db)).toEqual([]);
  });
});

test('a store is rebuilt from its plans alone, whatever became of the rest', async () => {
  const options = await fullStore();
  const rebuild = new ContentsRebuild();
  const before = await withDatabase(options, async (db) => {
    const entries = await db.entries(everything);
    const broken = entries.map(([key, value]) =>
      key.equals(planKey('flying')) || key.equals(countsKey)
        ? ([key, Buffer.from([1, 2, 3])] as const)
        : ([key, value] as const),
    );
    const kept = broken
      .filter(([key]) => !key.equals(inFlightKey('flying')))
      .flatMap(([key, value]) => rebuild.take(key, value));
    await db.write((batch) => {
      for (const [key] of entries) batch.del(key);
      for (const [key, value] of [...kept, ...rebuild.finish()]) batch.put(key, value);
    });
    expect(await findings(db)).toEqual([]);
    return entries;
  });
  expect(before.length).toBeGreaterThan(10);
  const store = await openLevelStore(options);
  expect(await store.keys('', 9)).toEqual(['done', 'parked', 'released', 'retry']);
  expect(store.planCount()).toBe(4);
  expect((await store.put(aDraft(), T0)).generation).toBeGreaterThan(1_000_000);
  await store.close();
});
