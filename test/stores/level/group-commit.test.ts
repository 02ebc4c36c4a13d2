import { expect, onTestFinished, test } from 'vitest';

import { addSeconds } from '../../../src/core/time.ts';
import { openDatabase } from '../../../src/stores/level/database.ts';
import { openLevelStoreOver } from '../../../src/stores/level/open-level-store.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { levelOptions } from './level-store-places.ts';

/** A store of which each write waits until the test lets it go on; how many there were. */
async function storeWithGate() {
  const options = await levelOptions();
  const gate = { isShut: false, writes: 0, open: (): void => undefined };
  const store = await openLevelStoreOver(async (onReopened) => {
    const db = await openDatabase({ ...options, onReopened });
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
      async write(fill) {
        gate.writes++;
        if (gate.isShut) await new Promise<void>((resolve) => (gate.open = resolve));
        await db.write(fill);
      },
    };
  }, options);
  onTestFinished(() => store.close());
  return { store, gate };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const put = (key: string) => [aDraft({ key }), addSeconds(T0, 5)] as const;

test('what arrives while one batch is in the air shares the next', async () => {
  const { store, gate } = await storeWithGate();
  gate.writes = 0;
  gate.isShut = true;
  const first = store.put(...put('a'));
  while (gate.writes === 0) await turn();
  const rest = Promise.all(Array.from({ length: 100 }, (_, n) => store.put(...put(`b${n}`))));
  gate.isShut = false;
  gate.open();
  await first;
  await rest;
  expect(gate.writes).toBe(2);
});

test('nothing is answered, and nothing is counted, before its batch is durable', async () => {
  const { store, gate } = await storeWithGate();
  gate.writes = 0;
  gate.isShut = true;
  let isAnswered = false;
  const answer = store.put(...put('a')).then(() => (isAnswered = true));
  while (gate.writes === 0) await turn();
  await turn();
  expect([isAnswered, store.planCount()]).toEqual([false, 0]);
  gate.isShut = false;
  gate.open();
  await answer;
  expect(store.planCount()).toBe(1);
});

test('changes that change nothing write nothing', async () => {
  const { store, gate } = await storeWithGate();
  gate.writes = 0;
  await Promise.all([store.remove('nobody'), store.remove('nobody')]);
  expect(gate.writes).toBe(0);
});

test('a key that could be taken for another entry is a bug, and refused alone', async () => {
  const { store } = await storeWithGate();
  await expect(store.put(...put(''))).rejects.toThrow(TypeError);
  await expect(store.put(...put('a\0b'))).rejects.toThrow(TypeError);
  expect(store.planCount()).toBe(0);
});
