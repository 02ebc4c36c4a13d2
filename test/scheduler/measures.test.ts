import { expect, test } from 'vitest';

import { addSeconds } from '../../src/core/time.ts';
import { aDraft, T0 } from '../support/plans.ts';
import { every, once, Rig } from '../support/rig.ts';

const outcomesOf = ({ measures }: Rig) => {
  const { done, failed, retried } = measures.ofAction('probe');
  return { done, failed, retried };
};

test('each firing ends as done or failed once, however many attempts it took', async () => {
  const rig = new Rig();
  await rig.scheduler.create(once(1, 'good'));
  await rig.pass(1);
  rig.probe.outcome = { kind: 'failed', reason: 'no' };
  await rig.scheduler.create(once(1, 'bad'));
  await rig.pass(1);
  rig.probe.outcome = { kind: 'retry', reason: 'not now' };
  await rig.scheduler.create(once(1, 'busy', { 'forsun.retries': '2' }));
  await rig.pass(60);
  expect(outcomesOf(rig)).toEqual({ done: 1, failed: 2, retried: 2 });
  expect(rig.measures.ofAction('probe').runSeconds.observed().count).toBe(rig.probe.runs.length);
  await rig.stop();
});

test('lateness is that of the first attempt, and late is what began after its second', async () => {
  const rig = new Rig();
  rig.probe.outcome = { kind: 'retry', reason: 'not now' };
  await rig.scheduler.create(once(1, 'k', { 'forsun.retries': '2' }));
  await rig.pass(60);
  expect(rig.probe.runs).toHaveLength(3);
  expect(rig.measures.lateness.observed()).toMatchObject({ count: 1, sum: 0 });
  expect(rig.counters.value('late_count')).toBe(0);

  rig.probe.outcome = { kind: 'done' };
  await rig.scheduler.create(once(1, 'late'));
  await rig.clock.advance(5);
  expect(rig.measures.lateness.observed()).toMatchObject({ count: 2, sum: 4 });
  expect(rig.counters.value('late_count')).toBe(1);
  await rig.stop();
});

test('a run lasts until its action says how it ended', async () => {
  const rig = new Rig();
  await rig.scheduler.create(once(1, 'k', { hold: '' }));
  await rig.pass(8);
  rig.probe.runs[0]?.end({ kind: 'done' });
  await rig.clock.set(rig.clock.now()); // no time passes
  expect(rig.measures.ofAction('probe').runSeconds.observed()).toMatchObject({ count: 1, sum: 7 });
  await rig.stop();
});

test('a firing that cannot run counts as one of its action that failed', async () => {
  const rig = new Rig();
  const refused = aDraft({ key: 'k', action: 'probe', params: new Map([['refuse', '1']]) });
  await rig.store.put(refused, addSeconds(T0, 1));
  await rig.pass(2);
  expect(outcomesOf(rig)).toEqual({ done: 0, failed: 1, retried: 0 });
  await rig.stop();
});

test('the pulse is unknown at first, then as young as the last second', async () => {
  const rig = new Rig();
  const unknown = { tickAgeSeconds: undefined, claimLagSeconds: undefined };
  expect(rig.scheduler.pulse()).toEqual(unknown);
  for (let n = 0; n < 10; n++) {
    await rig.pass(1);
    expect(rig.scheduler.pulse()).toEqual({ tickAgeSeconds: 0, claimLagSeconds: 0 });
  }
  await rig.stop();
});

test('while the store answers no claim, the clock ticks and claims lag behind', async () => {
  const rig = new Rig();
  await rig.scheduler.create(every(1, 'k'));
  await rig.pass(2);
  rig.store.outage = 'on purpose';
  await rig.pass(7);
  expect(rig.scheduler.pulse()).toEqual({ tickAgeSeconds: 0, claimLagSeconds: 7 });
  rig.store.outage = undefined;
  await rig.pass(1);
  expect(rig.scheduler.pulse()).toEqual({ tickAgeSeconds: 0, claimLagSeconds: 0 });
  await rig.stop();
});
