import { expect, onTestFinished, test } from 'vitest';

import type { Firing } from '../../src/core/firing.ts';
import { room } from '../contract/store.ts';
import { aDraft } from '../support/plans.ts';
import { dispatchDefaults } from '../../src/scheduler/lanes.ts';
import type { SchedulerSettings } from '../../src/scheduler/scheduler.ts';
import { once, Rig } from '../support/rig.ts';

/** A rig over a store that nodes share, of which this one is asked. */
function sharedRig(
  answer: (firing: Firing) => Promise<boolean | undefined>,
  settings: Partial<SchedulerSettings> = {},
): Rig {
  const rig = new Rig(settings);
  onTestFinished(() => rig.stop());
  Object.assign(rig.store, { confirm: answer });
  return rig;
}

const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
};

test('a run starts once the store has confirmed its firing', async () => {
  const rig = sharedRig(async () => true);
  for (const key of ['a', 'b', 'c']) await rig.scheduler.create(once(1, key));
  await rig.pass(1);
  await turns();
  expect(rig.probe.runs.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
});

test('what is not confirmed does not run, and the others do', async () => {
  const rig = sharedRig(async ({ key }) => key !== 'b');
  for (const key of ['a', 'b', 'c']) await rig.scheduler.create(once(1, key));
  await rig.pass(1);
  await turns();
  expect(rig.probe.runs.map(({ key }) => key)).toEqual(['a', 'c']);
});

test('nothing starts while the store does not answer, and all of it once it does', async () => {
  let isAway = true;
  const rig = sharedRig(async () => {
    if (isAway) throw new Error('away');
    return true;
  });
  await rig.scheduler.create(once(1, 'a'));
  await rig.pass(2);
  await turns();
  expect(rig.probe.runs).toEqual([]);
  isAway = false;
  await rig.pass(1);
  await turns();
  expect(rig.probe.runs.map(({ key }) => key)).toEqual(['a']);
});

test('what cannot be told of one firing is asked again, and holds up no other', async () => {
  let isTold = false;
  const rig = sharedRig(async ({ key }) => (key === 'b' && !isTold ? undefined : true));
  for (const key of ['a', 'b', 'c']) await rig.scheduler.create(once(1, key));
  await rig.pass(1);
  await turns();
  expect(rig.probe.runs.map(({ key }) => key)).toEqual(['a', 'c']);
  isTold = true;
  await rig.pass(1);
  await turns();
  expect(rig.probe.runs.map(({ key }) => key)).toEqual(['a', 'c', 'b']);
});

test('what cannot be told takes the room of no run, however much of it there is', async () => {
  const limits = { ...dispatchDefaults, runs: 8 };
  const rig = sharedRig(async ({ key }) => (key.startsWith('lost') ? undefined : true), {
    dispatch: limits,
  });
  for (let n = 0; n < 40; n++) await rig.scheduler.create(once(1, `lost-${n}`));
  for (let n = 0; n < 40; n++) await rig.scheduler.create(once(2, `sound-${n}`));
  await rig.pass(4);
  await turns();
  expect(rig.probe.runs).toHaveLength(40);
});

test('what waits for the store to tell goes back to the agenda when the server stops', async () => {
  const rig = sharedRig(async () => undefined);
  await rig.scheduler.create(once(1, 'a'));
  await rig.pass(1);
  await turns();
  await rig.stop();
  const { claims } = await rig.store.claim(rig.clock.now(), room(rig.clock.now()));
  expect(claims.map(({ firing }) => firing)).toMatchObject([{ key: 'a', attempt: 1 }]);
});

test('what is removed while it waits is given back: the store keeps account of what it handed out', async () => {
  const rig = sharedRig(async () => undefined);
  const settled: string[] = [];
  const settle = rig.store.settle.bind(rig.store);
  rig.store.settle = async (firing, settlement) => {
    settled.push(`${firing.key} ${settlement.kind}`);
    await settle(firing, settlement);
  };
  await rig.scheduler.create(once(1, 'a'));
  await rig.pass(1);
  await turns();
  await rig.scheduler.remove('a');
  await rig.pass(1);
  await turns();
  expect(settled).toEqual(['a released']);
});

test('a server that stops meanwhile starts none of it', async () => {
  const rig = sharedRig(() => Promise.reject(new Error('away')));
  await rig.scheduler.create(once(1, 'a'));
  await rig.pass(1);
  await rig.stop();
  expect(rig.probe.runs).toEqual([]);
});

test('what another node has parked and left behind is fetched within ten seconds', async () => {
  const rig = sharedRig(async () => true);
  await rig.pass(5);
  // As the other node did, before it died.
  const draft = aDraft({ key: 'a', count: 1, action: 'probe', params: new Map() });
  await rig.store.put(draft, rig.clock.now());
  const { claims } = await rig.store.claim(rig.clock.now(), room(rig.clock.now()));
  await rig.store.settle(claims[0]!.firing, { kind: 'parked', origin: 'theirs' });
  for (let n = 0; n < 11; n++) {
    await rig.pass(1);
    await turns();
  }
  expect(rig.probe.runs.map(({ key }) => key)).toEqual(['a']);
});
