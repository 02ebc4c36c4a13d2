import { expect, test } from 'vitest';

import type { Action, Outcome, PreparedAction, Run } from '../../src/actions/action.ts';
import type { Params } from '../../src/core/plan.ts';
import { aDirectory } from '../support/database.ts';
import { LevelRig } from '../support/level-rig.ts';
import { isNightly } from '../support/nightly.ts';
import { T0 } from '../support/plans.ts';
import { every, once, Rig, schedulerDefaults } from '../support/rig.ts';

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

const parkedPlans = isNightly ? 600_000 : 4_000;

test(
  `law 8, bounded: ${parkedPlans} firings parked for one target take no memory, survive a restart and come back oldest first`,
  { timeout: isNightly ? 1_800_000 : 60_000 },
  async () => {
    const dispatch = { runs: 64, held: 400, queuedPerOrigin: 100 };
    const target = new SometimesMute();
    const settings = { scheduler: { ...schedulerDefaults, dispatch }, action: target };
    const rig = await LevelRig.open(await aDirectory(), settings);
    await rig.scheduler.create(every(1, 'healthy', { target: 'healthy' }));
    for (let from = 0; from < parkedPlans; from += 1_000) {
      const chunk = Array.from({ length: 1_000 }, (_, n) =>
        once(1 + (Math.floor((from + n) / 1_000) % 4), `k${from + n}`, { target: 'mute' }),
      );
      await Promise.all(chunk.map((plan) => rig.scheduler.create(plan)));
    }
    await rig.pass(6);
    expect(rig.counters.value('timeout_handling_count')).toBeLessThanOrEqual(dispatch.held);
    expect(rig.counters.value('parked_count')).toBeGreaterThan(parkedPlans * 0.9);
    await rig.stop();

    target.isMute = false;
    await rig.start();
    for (let n = 0; n < 10 && rig.store.planCount() > 1; n += 1) await rig.pass(1);
    expect(rig.store.planCount()).toBe(1);
    expect(new Set(target.ended.map(({ key }) => key)).size).toBe(parkedPlans);
    // What waited in memory when the server stopped is due anew; all else stands in line.
    const line = target.ended.slice(dispatch.held).map(({ fireTime }) => fireTime);
    expect(line).toEqual(line.toSorted((a, b) => a - b));
    // Every second has its firing: none is late enough to be merged into the next.
    const { fireTime: last = T0 } = target.healthy.at(-1) ?? {};
    expect(target.healthy.map(({ fireTime }) => fireTime - T0)).toEqual(
      Array.from({ length: last - T0 }, (_, n) => n + 1),
    );
    expect(last).toBe(rig.clock.now());
    await rig.stop();
  },
);

/** An action of which the target `mute` answers nothing while it is so; all else is done at once. */
class SometimesMute implements Action {
  readonly name = 'probe';
  readonly maxRunsPerOrigin = 64;
  readonly timeoutSeconds = 3_600;
  readonly retriesDeadline = true;
  isMute = true;
  readonly ended: Run[] = [];
  readonly healthy: Run[] = [];

  prepare(params: Params): PreparedAction {
    const origin = params.get('target') ?? '';
    return { origin, run: (run) => this.#run(run, origin) };
  }

  async #run(run: Run, origin: string): Promise<Outcome> {
    if (origin !== 'healthy' && this.isMute) {
      await new Promise((resolve) => run.signal.addEventListener('abort', resolve));
      return { kind: 'retry', reason: 'no answer' };
    }
    (origin === 'healthy' ? this.healthy : this.ended).push(run);
    return { kind: 'done' };
  }
}
