import { expect, onTestFinished, test } from 'vitest';

import type { Firing } from '../../src/core/firing.ts';
import { room } from '../contract/store.ts';
import { aDraft } from '../support/plans.ts';
import { once, Rig } from '../support/rig.ts';

/** A rig over a store that nodes share, of which this one is asked. */
function sharedRig(
  answer: (firings: readonly Firing[]) => Promise<readonly (boolean | undefined)[]>,
) {
  const rig = new Rig();
  onTestFinished(() => rig.stop());
  const asked: (readonly Firing[])[] = [];
  Object.assign(rig.store, {
    confirm: (firings: readonly Firing[]) => {
      asked.push(firings);
      return answer(firings);
    },
  });
  return { rig, asked };
}

const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
};

test('a run starts once the store has confirmed its firing, all of one turn at once', async () => {
  const { rig, asked } = sharedRig(async (firings) => firings.map(() => true));
  for (const key of ['a', 'b', 'c']) await rig.scheduler.create(once(1, key));
  await rig.pass(1);
  await turns();
  expect(rig.probe.runs.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  expect(asked.map((firings) => firings.length)).toEqual([3]);
});

test('what is not confirmed does not run, and the others do', async () => {
  const { rig } = sharedRig(async (firings) => firings.map(({ key }) => key !== 'b'));
  for (const key of ['a', 'b', 'c']) await rig.scheduler.create(once(1, key));
  await rig.pass(1);
  await turns();
  expect(rig.probe.runs.map(({ key }) => key)).toEqual(['a', 'c']);
});

test('nothing starts while the store does not answer, and all of it once it does', async () => {
  let isAway = true;
  const { rig } = sharedRig(async (firings) => {
    if (isAway) throw new Error('away');
    return firings.map(() => true);
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
  const { rig } = sharedRig(async (firings) =>
    firings.map(({ key }) => (key === 'b' && !isTold ? undefined : true)),
  );
  for (const key of ['a', 'b', 'c']) await rig.scheduler.create(once(1, key));
  await rig.pass(1);
  await turns();
  expect(rig.probe.runs.map(({ key }) => key)).toEqual(['a', 'c']);
  isTold = true;
  await rig.pass(1);
  await turns();
  expect(rig.probe.runs.map(({ key }) => key)).toEqual(['a', 'c', 'b']);
});

test('a server that stops meanwhile starts none of it', async () => {
  const { rig } = sharedRig(() => Promise.reject(new Error('away')));
  await rig.scheduler.create(once(1, 'a'));
  await rig.pass(1);
  await rig.stop();
  expect(rig.probe.runs).toEqual([]);
});

test('what another node has parked and left behind is fetched within ten seconds', async () => {
  const { rig } = sharedRig(async (firings) => firings.map(() => true));
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
