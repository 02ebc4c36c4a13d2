import { expect, onTestFinished, test } from 'vitest';

import type { Action, Outcome, PreparedAction, Run } from '../../src/actions/action.ts';
import type { Params } from '../../src/core/plan.ts';
import type { Clock, UnixSeconds } from '../../src/core/time.ts';
import { aDirectory } from '../support/database.ts';
import { LevelRig } from '../support/level-rig.ts';
import { every, once, Rig } from '../support/rig.ts';

const dispatch = { runs: 64, held: 256, queuedPerOrigin: 32 };
const deadOrigins = 100;

/** Five firings of each dead origin, due in a second. */
async function createDead({ scheduler }: Pick<Rig | LevelRig, 'scheduler'>): Promise<void> {
  for (let n = 0; n < 5 * deadOrigins; n += 1) {
    const target = `dead-${n % deadOrigins}`;
    await scheduler.create(once(1, `${target}/${n}`, { target, hold: '1' }));
  }
}

test('law 7: a target called for the first time waits for no dead one', async () => {
  const rig = new Rig({ dispatch });
  onTestFinished(() => rig.stop());
  await createDead(rig);
  await rig.pass(70); // they have shown what they are, and their first runs have met their deadline
  await rig.scheduler.create(once(1, 'new', { target: 'new' }));
  await rig.pass(5);
  const { startedAt, fireTime = 0 } = rig.probe.runs.find(({ key }) => key === 'new') ?? {};
  expect(startedAt).toBe(fireTime);
});

test('law 7: nor does it when the server was started anew, and nobody is proven', async () => {
  const action = new DeadAndNew();
  const rig = await LevelRig.open(await aDirectory(), { scheduler: { dispatch }, action });
  onTestFinished(() => rig.stop());
  action.clock = rig.clock;
  await createDead(rig);
  await rig.scheduler.create(once(20, 'new', { target: 'new' }));
  await rig.pass(10);
  await rig.kill();
  await rig.start();
  await rig.pass(15);
  expect(action.lateness).toEqual([0]);
});

test('law 7: dead targets leave room to the living when all of them fail together', async () => {
  const rig = new Rig({ dispatch: { runs: 512, held: 512, queuedPerOrigin: 64 } });
  onTestFinished(() => rig.stop());
  for (let n = 0; n < 4_000; n += 1)
    await rig.scheduler.create(once(1, `k${n}`, { target: `dead-${n % 100}`, hold: '1' }));
  await rig.pass(4);
  for (const run of rig.probe.runs) run.end({ kind: 'retry', reason: 'no answer' });
  await rig.clock.advance(0);
  expect(rig.counters.value('timeout_handling_count')).toBeLessThanOrEqual((3 / 4) * 512);
});

test('law 7: a second with more plans than can be claimed within it delays later ones little', async () => {
  const limits = { claimSize: 10, dispatch: { runs: 16, held: 64, queuedPerOrigin: 20 } };
  const rig = await LevelRig.open(await aDirectory(), { scheduler: limits });
  onTestFinished(() => rig.stop());
  await rig.scheduler.create(every(1, 'healthy', { target: 'healthy' }));
  for (let n = 0; n < 1_000; n += 1)
    await rig.scheduler.create(once(2, `k${n}`, { target: 'dead', hold: '1' }));
  const claim = rig.store.claim.bind(rig.store);
  let claims = 0;
  rig.store.claim = async (until, room) => {
    // Such a store claims and parks 40 firings a second.
    if (++claims % 4 === 0) await rig.clock.advance(1);
    return claim(until, room);
  };
  await rig.pass(40);
  const late = rig.probe.runs
    .filter(({ key }) => key === 'healthy')
    .map(({ startedAt, fireTime }) => startedAt - fireTime);
  expect(late.length).toBeGreaterThan(40);
  expect(Math.max(...late)).toBeLessThanOrEqual(4);
});

/** An action of which no target answers but `new`. */
class DeadAndNew implements Action {
  readonly name = 'probe';
  readonly maxRunsPerOrigin = 64;
  readonly timeoutSeconds = 60;
  readonly retriesDeadline = true;
  /** How late each run of `new` began, in seconds. */
  readonly lateness: number[] = [];
  clock: Clock | undefined;

  prepare(params: Params): PreparedAction {
    const origin = params.get('target') ?? '';
    return { origin, run: (run) => this.#run(run, origin) };
  }

  async #run({ fireTime, signal }: Run, origin: string): Promise<Outcome> {
    if (origin === 'new') this.lateness.push(this.#now - fireTime);
    else await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return { kind: 'done' };
  }

  get #now(): UnixSeconds {
    if (this.clock === undefined) throw new TypeError('an action without a clock');
    return this.clock.now();
  }
}
