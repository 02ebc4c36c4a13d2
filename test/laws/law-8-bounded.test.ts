import { expect, test } from 'vitest';

import { every, once, Rig } from '../support/rig.ts';

test('law 8, bounded: no more firings are held than the limit, whatever is due', async () => {
  const rig = new Rig({ dispatch: { runs: 10, held: 50, queuedPerOrigin: 20 } });
  for (let n = 0; n < 500; n += 1)
    await rig.scheduler.create(once(1, `k${n}`, { target: `t${n % 100}`, hold: '1' }));
  await rig.pass(5);
  expect(rig.counters.value('timeout_handling_count')).toBeLessThanOrEqual(50);
  await rig.stop();
});

test('law 8, bounded: one plan has no more unfinished firings than its limit', async () => {
  const rig = new Rig();
  await rig.scheduler.create(every(1, 'k', { hold: '1' }));
  await rig.pass(50);
  expect((await rig.scheduler.get('k')).unfinished).toHaveLength(10);
  await rig.stop();
});

test('law 8, bounded: a list beyond its cap is refused, and says to narrow the prefix', async () => {
  const rig = new Rig({ maxKeysListed: 3, maxPlansListed: 3 });
  for (let n = 0; n < 4; n += 1) await rig.scheduler.create(once(5, `k${n}`));
  await expect(rig.scheduler.keys('k')).rejects.toThrow(/more than 3 keys.*narrow the prefix/);
  await expect(rig.scheduler.dueAt(rig.clock.now())).resolves.toEqual([]);
  await rig.pass(4);
  await expect(rig.scheduler.dueAt((await rig.scheduler.get('k0')).nextFireTime!)).rejects.toThrow(
    /more than 3 plans/,
  );
  expect(await rig.scheduler.keys('k3')).toEqual(['k3']);
  for (const limit of [-1, 0, 10_001]) {
    const refusal = `limit is ${limit}, expected 1 to 10000`;
    await expect(rig.scheduler.failures('', limit)).rejects.toThrow(refusal);
  }
  await rig.stop();
});

test('law 8, bounded: a store that says "more" and gives nothing is asked once a second, not in a spin', async () => {
  const rig = new Rig();
  let asked = 0;
  rig.store.claim = async () => {
    asked += 1;
    return { claims: [], merged: 0, skipped: 0, misfires: 0, moved: 0, more: true };
  };
  await rig.pass(5);
  expect(asked).toBeLessThanOrEqual(6);
  await rig.stop();
});

test('law 8, bounded: a dead target with many plans writes few lines into the log, and all are accounted for', async () => {
  const rig = new Rig({ retry: { retries: 1, delaySeconds: 3, rate: 1 } });
  rig.probe.outcome = { kind: 'retry', reason: 'no answer' };
  for (let n = 0; n < 500; n += 1) await rig.scheduler.create(once(1, `k${n}`, { target: 'dead' }));
  await rig.pass(100);
  const { lines } = rig.log;
  expect(lines.length).toBeLessThan(50);
  for (const event of ['attempt_failed', 'firing_failed']) {
    const told = lines.filter((line) => line.event === event).length;
    const leftOut = lines.filter(({ fields }) => fields['of'] === event);
    const sum = leftOut.reduce((all, { fields }) => all + Number(fields['count']), 0);
    expect(told + sum).toBe(500);
  }
  await rig.stop();
});
