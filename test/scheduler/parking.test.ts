import { expect, test } from 'vitest';

import { ParkedOrigins } from '../../src/scheduler/parked-origins.ts';
import { dispatchDefaults } from '../../src/scheduler/lanes.ts';
import { every, once, Rig } from '../support/rig.ts';
import { T0 } from '../support/plans.ts';

const dispatch = { ...dispatchDefaults, queuedPerOrigin: 1 };

test('what was parked only after an outage is fetched, though its origin was looked at meanwhile', async () => {
  const rig = new Rig({ dispatch }, 1);
  await rig.scheduler.create(once(1, 'runs', { target: 'a', hold: '1' }));
  await rig.scheduler.create(once(1, 'parked', { target: 'a' }));
  const settle = rig.store.settle.bind(rig.store);
  rig.store.settle = () => Promise.reject(new Error('no disk'));
  await rig.pass(1);
  rig.store.settle = settle;
  rig.probe.runs[0]?.end({ kind: 'done' });
  await rig.clock.advance(0);
  await rig.pass(5);
  expect(rig.probe.fired(T0)).toEqual(['runs@1', 'parked@1']);
  await rig.stop();
});

test('what is known to be parked is fetched while the store cannot tell where else something is', async () => {
  const rig = new Rig({ dispatch }, 1);
  const { store } = rig;
  const claimParked = store.claimParked.bind(store);
  // As nodes do that share one, and of which one part is lost.
  const away = () => Promise.reject(new Error('away'));
  Object.assign(store, { confirm: async () => true, claimParked: away, parkedOrigins: away });
  await rig.scheduler.create(once(1, 'runs', { target: 'a', hold: '1' }));
  await rig.scheduler.create(once(1, 'parked', { target: 'a' }));
  await rig.pass(1);
  rig.probe.runs[0]?.end({ kind: 'done' });
  await rig.pass(1);
  store.claimParked = claimParked;
  await rig.pass(3);
  expect(rig.probe.fired(T0)).toEqual(['runs@1', 'parked@1']);
  await rig.stop();
});

/** From now on the store parks as it is asked, and answers that it did not; returns how to heal it. */
function refuseParkedAfterwards({ store }: Rig): () => void {
  const settle = store.settle.bind(store);
  store.settle = async (firing, settlement) => {
    await settle(firing, settlement);
    if (settlement.kind === 'parked') throw new Error('no answer');
  };
  return () => void (store.settle = settle);
}

/** Every run there is ends, and what that sets going goes on. */
async function endAll(rig: Rig): Promise<void> {
  for (const run of rig.probe.runs) run.end({ kind: 'done' });
  await rig.clock.advance(0);
}

test('what was refused and parked all the same runs once, though its parking is tried again', async () => {
  const rig = new Rig({ dispatch }, 1);
  const heal = refuseParkedAfterwards(rig);
  for (const key of ['a', 'b', 'c'])
    await rig.scheduler.create(once(1, key, { target: 'a', hold: '1' }));
  await rig.pass(1);
  heal();
  await endAll(rig);
  await rig.pass(3); // in which the parking of b and c is tried again
  for (let n = 0; n < 3; n += 1) {
    await endAll(rig);
    await rig.pass(1);
  }
  expect(rig.probe.fired(T0)).toEqual(['a@1', 'b@1', 'c@1']);
  expect(rig.store.planCount()).toBe(0);
  await rig.stop();
});

test('what is fetched while the answer to its parking is awaited runs once', async () => {
  const rig = new Rig({ dispatch }, 1);
  const claimParked = rig.store.claimParked.bind(rig.store);
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  for (const key of ['a', 'b'])
    await rig.scheduler.create(once(1, key, { target: 'a', hold: '1' }));
  for (const key of ['c', 'd'])
    await rig.scheduler.create(once(2, key, { target: 'a', hold: '1' }));
  await rig.pass(1);
  rig.store.claimParked = async (origin, limit) => {
    await held;
    return claimParked(origin, 2 * limit);
  };
  await endAll(rig);
  const heal = refuseParkedAfterwards(rig);
  await rig.pass(4); // c runs and d is parked, while b is being fetched
  await endAll(rig);
  heal();
  letGo();
  for (let n = 0; n < 6; n += 1) {
    await rig.pass(1);
    await endAll(rig);
  }
  expect(rig.probe.fired(T0).toSorted()).toEqual(['a@1', 'b@1', 'c@2', 'd@2']);
  expect(rig.store.planCount()).toBe(0);
  await rig.stop();
});

test('an origin of which the store gives less than asked for is asked again', async () => {
  const rig = new Rig({ dispatch: { ...dispatch, queuedPerOrigin: 2 } }, 1);
  const claimParked = rig.store.claimParked.bind(rig.store);
  rig.store.claimParked = (origin) => claimParked(origin, 1);
  for (let n = 0; n < 8; n += 1) await rig.scheduler.create(once(1, `k${n}`, { target: 'a' }));
  await rig.pass(20);
  expect(rig.probe.runs).toHaveLength(8);
  await rig.stop();
});

test('an origin that parks behind the place read so far is found all the same', async () => {
  const stored = new Set(
    Array.from({ length: 12_000 }, (_, n) => `m${String(n).padStart(5, '0')}`),
  );
  const page = async (after: string | undefined, limit: number): Promise<readonly string[]> =>
    [...stored]
      .sort()
      .filter((one) => after === undefined || one > after)
      .slice(0, limit);
  const origins = new ParkedOrigins(page);
  while (await origins.readOn());
  expect([...origins]).toHaveLength(10_000);
  stored.add('a');
  origins.add('a');
  const found = new Set<string>();
  for (let round = 0; round < 40; round += 1) {
    for (const one of origins) {
      found.add(one);
      stored.delete(one);
      origins.delete(one);
    }
    await origins.readOn();
  }
  expect(found.size).toBe(12_001);
});

test('an origin is not looked at again for ever once all it parked is gone', async () => {
  const rig = new Rig({ dispatch }, 1);
  for (let n = 0; n < 3; n += 1) await rig.scheduler.create(once(1, `k${n}`, { target: 'a' }));
  await rig.pass(5);
  let asked = 0;
  rig.store.claimParked = async () => {
    asked += 1;
    return [];
  };
  await rig.scheduler.create(every(1, 'other', { target: 'b' }));
  await rig.pass(5);
  expect(asked).toBe(0);
  await rig.stop();
});

test('one origin is fetched by one at a time, so that it never passes its room', async () => {
  const rig = new Rig({ dispatch: { ...dispatch, queuedPerOrigin: 4 } }, 4);
  let underWay = 0;
  let most = 0;
  const claimParked = rig.store.claimParked.bind(rig.store);
  rig.store.claimParked = async (origin, limit) => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setImmediate(resolve));
    return claimParked(origin, limit).finally(() => (underWay -= 1));
  };
  for (let n = 0; n < 40; n += 1)
    await rig.scheduler.create(once(1 + (n % 3), `k${n}`, { target: 'a' }));
  await rig.pass(40);
  expect(rig.probe.runs).toHaveLength(40);
  expect(most).toBe(1);
  await rig.stop();
});
