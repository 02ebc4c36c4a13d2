import { expect, test } from 'vitest';

import type { LogFields } from '../../../src/core/log.ts';
import { addSeconds } from '../../../src/core/time.ts';
import { Counters } from '../../../src/metrics/counters.ts';
import { checkStore } from '../../../src/stores/level/check.ts';
import { countsKey, planKey } from '../../../src/stores/level/keys.ts';
import { openLevelStore } from '../../../src/stores/level/open-level-store.ts';
import { planContentsCheck } from '../../../src/stores/level/plan-contents.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { levelOptions, withDatabase } from './level-store-places.ts';

const due = addSeconds(T0, 10);
const claimRoom = { firings: 100, late: 100, lateBefore: addSeconds(T0, -60) };

/** A closed store of three plans due at once, the record of `b` damaged; what it logs as errors. */
async function damagedStore(damage: (record: Buffer) => Buffer) {
  const errors: (readonly [string, LogFields | undefined])[] = [];
  const quiet = () => undefined;
  const log = {
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: (event: string, fields?: LogFields) => void errors.push([event, fields]),
  };
  const options = { ...(await levelOptions()), log };
  const store = await openLevelStore(options);
  for (const key of ['a', 'b', 'c']) await store.put(aDraft({ key, count: 1 }), due);
  await store.close();
  await withDatabase(options, async (db) => {
    const [record] = await db.getMany([planKey('b')]);
    await db.write((batch) => batch.put(planKey('b'), damage(record!)));
  });
  return { options, errors };
}

const newer = (record: Buffer): Buffer => Buffer.concat([Buffer.from([9]), record.subarray(1)]);
const flipped = (record: Buffer): Buffer => {
  const copy = Buffer.from(record);
  copy.writeUInt8(copy.readUInt8(12) ^ 4, 12);
  return copy;
};

test.each([
  ['of a newer version', newer, 'it has version 9'],
  ['with a flipped bit', flipped, 'its checksum is'],
] as const)(
  'a record %s hurts no other plan, and is told and counted once',
  async (_, damage, reason) => {
    const { options, errors } = await damagedStore(damage);
    const counters = new Counters();
    const store = await openLevelStore({ ...options, counters });
    const unreadable = { code: 'unknown', message: expect.stringContaining(reason) as string };
    await expect(store.get('b')).rejects.toMatchObject(unreadable);
    for (let times = 0; times < 3; times++) {
      const { claims } = await store.claim(due, claimRoom);
      expect(claims.map(({ firing }) => firing.key)).toEqual(times === 0 ? ['a', 'c'] : []);
    }
    expect((await store.getMany(['a', 'b', 'c'])).map(({ key }) => key)).toEqual(['a', 'c']);
    expect(errors).toEqual([['plan_unclaimable', expect.objectContaining({ key: '"b"' })]]);
    expect(counters.value('store_error_count')).toBe(1);
    expect(await store.keys('', 9)).toEqual(['a', 'b', 'c']);
    await store.close();
  },
);

test('a record that cannot be read is claimed by no late way either, and keeps nothing waiting', async () => {
  const { options } = await damagedStore(flipped);
  const store = await openLevelStore(options);
  const now = addSeconds(due, 10_000);
  const result = await store.claim(now, { ...claimRoom, lateBefore: addSeconds(now, -60) });
  expect(result.claims.map(({ firing }) => firing.key)).toEqual(['a', 'c']);
  expect(result.more).toBe(false);
  await store.close();
});

test('putting a plan anew replaces a record that cannot be read, and counts stay true', async () => {
  const { options } = await damagedStore(flipped);
  const store = await openLevelStore(options);
  const plan = await store.put(aDraft({ key: 'b', count: 1 }), addSeconds(due, 5));
  expect(await store.get('b')).toEqual(plan);
  expect(store.planCount()).toBe(3);
  const early = await store.claim(due, claimRoom);
  expect(early.claims.map(({ firing }) => firing.key)).toEqual(['a', 'c']);
  const later = await store.claim(addSeconds(due, 5), claimRoom);
  expect(later.claims).toMatchObject([{ firing: { key: 'b', generation: plan.generation } }]);
  await store.close();
});

test('a record that cannot be read is a plan: it is not absent, and is not triggered', async () => {
  const { options } = await damagedStore(flipped);
  const store = await openLevelStore(options);
  const put = store.put(aDraft({ key: 'b' }), due, { onlyIfAbsent: true });
  await expect(put).rejects.toMatchObject({ code: 'plan_exists' });
  await expect(store.trigger('b')).rejects.toMatchObject({ code: 'unknown' });
  await expect(store.get('b')).rejects.toMatchObject({ code: 'unknown' });
  expect((await store.agenda(due, addSeconds(due, 1), 9)).map(({ key }) => key)).toEqual([
    'a',
    'c',
  ]);
  await store.close();
});

test.each([
  ['missing', undefined, 'the store has plans but no counts'],
  ['damaged', Buffer.from('0100000000ffff', 'hex'), "the store's counts are damaged"],
  ['of a newer version', Buffer.from('02', 'hex'), "the store's counts have version 2"],
] as const)('a store whose counts are %s is refused', async (_, counts, message) => {
  const { options } = await damagedStore((record) => record);
  await withDatabase(options, (db) =>
    db.write((batch) =>
      counts === undefined ? batch.del(countsKey) : batch.put(countsKey, counts),
    ),
  );
  await expect(openLevelStore(options)).rejects.toThrow(message);
});

test('parked firings behind a record that cannot be read are claimed all the same', async () => {
  const options = await levelOptions();
  let store = await openLevelStore(options);
  for (const key of ['a', 'b', 'c']) await store.put(aDraft({ key, count: 1 }), due);
  const { claims } = await store.claim(due, claimRoom);
  for (const { firing } of claims) await store.settle(firing, { kind: 'parked', origin: 'o' });
  await store.close();
  await withDatabase(options, async (db) => {
    const [record] = await db.getMany([planKey('a')]);
    await db.write((batch) => batch.put(planKey('a'), flipped(record!)));
  });
  store = await openLevelStore(options);
  const keys: string[] = [];
  for (let more = true; more;) {
    const parked = await store.claimParked('o', 1);
    keys.push(...parked.map(({ firing }) => firing.key));
    more = parked.length > 0;
  }
  expect(keys).toEqual(['b', 'c']);
  await store.close();
});

test.each(['remove', 'put'] as const)(
  'a record that cannot be read goes with all that stands for it: %s',
  async (how) => {
    const { options, errors } = await damagedStore(flipped);
    let store = await openLevelStore(options);
    const { claims } = await store.claim(due, claimRoom);
    for (const { firing } of claims) await store.settle(firing, { kind: 'done' });
    if (how === 'put') await store.put(aDraft({ key: 'b' }), addSeconds(due, 5));
    else {
      expect(await store.remove('b')).toMatchObject({ key: 'b', status: -1, generation: 3 });
      expect(await store.get('b')).toBeUndefined();
      expect(await store.remove('b')).toBeUndefined();
    }
    expect(store.planCount()).toBe(how === 'put' ? 1 : 0);
    await store.close();
    expect(errors).toHaveLength(1);
    expect((await checkStore(options.directory, planContentsCheck())).damage).toEqual([]);
    store = await openLevelStore(options);
    expect(await store.claim(addSeconds(due, 5), claimRoom)).toMatchObject({
      claims: how === 'put' ? [{ firing: { key: 'b', generation: 4 } }] : [],
    });
    await store.close();
  },
);
