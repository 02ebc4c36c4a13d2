import { expect, onTestFinished, test } from 'vitest';

import { planNotStored } from '../../../src/core/errors.ts';
import { addSeconds } from '../../../src/core/time.ts';
import {
  type Database,
  openDatabase,
  type WriteBatch,
} from '../../../src/stores/level/database.ts';
import { openLevelStoreOver } from '../../../src/stores/level/open-level-store.ts';
import type { Store } from '../../../src/stores/store.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { levelOptions } from './level-store-places.ts';

const due = addSeconds(T0, 10);
const room = { firings: 100, late: 100, lateBefore: addSeconds(T0, -60) };

/** How the next write goes wrong: it leaves nothing, or all is written and yet it is reported. */
type Fault = 'nothing written' | 'written, yet refused';

/** Marks of the near agenda are written too, whenever they are. */
function touchesPlans(fill: (batch: WriteBatch) => void): boolean {
  let touches = false;
  const see = (key: Buffer): void => void (touches ||= key.toString('latin1', 0, 1) === 'p');
  fill({ put: see, del: see });
  return touches;
}

/** A store over a database of which the test makes the next write of a plan fail; it comes back at once. */
async function storeWithFaults(): Promise<{ store: Store; failNext: (fault: Fault) => void }> {
  const options = await levelOptions();
  let fault: Fault | undefined;
  const store = await openLevelStoreOver(async (onReopened) => {
    const db = await openDatabase(options);
    const write: Database['write'] = async (fill) => {
      const current = touchesPlans(fill) ? fault : undefined;
      if (current !== undefined) fault = undefined;
      if (current !== 'nothing written') await db.write(fill);
      if (current === undefined) return;
      await onReopened();
      throw planNotStored(`on purpose: ${current}`);
    };
    return {
      getMany: (keys) => db.getMany(keys),
      entries: (range) => db.entries(range),
      keys: (range) => db.keys(range),
      close: () => db.close(),
      get isFull() {
        return db.isFull;
      },
      get trouble() {
        return db.trouble;
      },
      write,
    };
  }, options);
  onTestFinished(() => store.close());
  return { store, failNext: (next) => (fault = next) };
}

const claim = async (store: Store) =>
  (await store.claim(due, room)).claims.map(({ firing }) => firing);

const refused = { code: 'plan_not_stored' };

test.each(['nothing written', 'written, yet refused'] as const)(
  'a failed write answers every change of its group, and counts stay true: %s',
  async (fault) => {
    const { store, failNext } = await storeWithFaults();
    await store.put(aDraft({ key: 'a' }), due);
    failNext(fault);
    const answers = await Promise.allSettled([
      store.put(aDraft({ key: 'b' }), due),
      store.put(aDraft({ key: 'c' }), due),
      store.remove('a'),
    ]);
    for (const answer of answers) expect(answer).toMatchObject({ reason: refused });
    await store.put(aDraft({ key: 'd' }), due);
    expect(store.planCount()).toBe((await store.keys('', 10)).length);
    expect(await store.keys('', 10)).toEqual(
      fault === 'nothing written' ? ['a', 'd'] : ['b', 'c', 'd'],
    );
    const generations = (await store.getMany(['a', 'b', 'c', 'd'])).map((plan) => plan.generation);
    expect(new Set(generations).size).toBe(generations.length);
    expect(generations.at(-1)).toBeGreaterThan(3);
  },
);

test.each(['nothing written', 'written, yet refused'] as const)(
  'what a refused claim would have handed out is claimed again, its attempt kept: %s',
  async (fault) => {
    const { store, failNext } = await storeWithFaults();
    await store.put(aDraft({ count: 1 }), due);
    await claim(store).then((claims) => store.settle(claims[0]!, { kind: 'released' }));
    failNext(fault);
    await expect(store.claim(due, room)).rejects.toMatchObject(refused);
    await store.put(aDraft({ key: 'other', count: 1 }), addSeconds(due, 100));
    const claims = await claim(store);
    expect(claims).toMatchObject([{ key: 'backup', attempt: 1, crashes: 0 }]);
    expect(await claim(store)).toEqual([]);
  },
);

test('what was handed out before a failure stays so, and is not claimed again', async () => {
  const { store, failNext } = await storeWithFaults();
  await store.put(aDraft({ key: 'running', count: 1 }), due);
  const [running] = await claim(store);
  await store.put(aDraft({ key: 'waiting', count: 1 }), due);
  failNext('written, yet refused');
  await expect(store.claim(due, room)).rejects.toMatchObject(refused);
  await store.remove('nobody');
  expect(await claim(store)).toMatchObject([{ key: 'waiting', attempt: 1 }]);
  await store.settle(running!, { kind: 'done' });
  expect(await store.get('running')).toBeUndefined();
});

test.each(['nothing written', 'written, yet refused'] as const)(
  'a refused settling can be called again: %s',
  async (fault) => {
    const { store, failNext } = await storeWithFaults();
    await store.put(aDraft({ count: 1 }), due);
    const [firing] = await claim(store);
    failNext(fault);
    await expect(store.settle(firing!, { kind: 'done' })).rejects.toMatchObject(refused);
    await store.settle(firing!, { kind: 'done' });
    expect([await store.get('backup'), store.planCount()]).toEqual([undefined, 0]);
    expect(await claim(store)).toEqual([]);
  },
);

test.each(['nothing written', 'written, yet refused'] as const)(
  'a failure whose settling was refused is listed once, when it has been settled again: %s',
  async (fault) => {
    const { store, failNext } = await storeWithFaults();
    for (const key of ['a', 'b']) await store.put(aDraft({ key, count: 1 }), due);
    const [a, b] = await claim(store);
    failNext(fault);
    const failed = { kind: 'failed', reason: 'no answer' } as const;
    await expect(store.settle(a!, failed)).rejects.toMatchObject(refused);
    await store.settle(a!, failed);
    await store.settle(b!, failed);
    expect((await store.failures('', 9)).map(({ key }) => key)).toEqual(['b', 'a']);
  },
);

test('a plan that cannot be stored at all is refused alone', async () => {
  const { store } = await storeWithFaults();
  const bad = { kind: 'interval', everySeconds: -1, fields: {} } as const;
  const [good, refusal, alsoGood] = await Promise.allSettled([
    store.put(aDraft({ key: 'a' }), due),
    store.put(aDraft({ key: 'b', schedule: bad }), due),
    store.put(aDraft({ key: 'c' }), due),
  ]);
  expect([good.status, refusal.status, alsoGood.status]).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
  expect([await store.keys('', 9), store.planCount()]).toEqual([['a', 'c'], 2]);
});
