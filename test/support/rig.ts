import { ActionRegistry } from '../../src/actions/action.ts';
import type { PlanRequest } from '../../src/core/plan.ts';
import { defaultPlanLimits } from '../../src/core/plan-limits.ts';
import { Counters } from '../../src/metrics/counters.ts';
import { Measures } from '../../src/metrics/measures.ts';
import { retryDefaults } from '../../src/scheduler/backoff.ts';
import { dispatchDefaults } from '../../src/scheduler/lanes.ts';
import { Scheduler, type SchedulerSettings } from '../../src/scheduler/scheduler.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryStore } from './memory-store.ts';
import { T0 } from './plans.ts';
import { ProbeAction } from './probe-action.ts';
import { RecordedLog } from './recorded-log.ts';

export const schedulerDefaults: SchedulerSettings = {
  timezone: 'UTC',
  planLimits: defaultPlanLimits,
  maxKeysListed: 100_000,
  maxPlansListed: 10_000,
  dispatch: dispatchDefaults,
  retry: retryDefaults,
  claimSize: 1_024,
  lateAfterSeconds: 2,
  catchUpPerSecond: 2_000,
};

/** A scheduler on the fake clock, its memory and its action in the test's hands. */
export class Rig {
  readonly clock = new FakeClock(T0);
  readonly store = new MemoryStore(this.clock);
  readonly log = new RecordedLog();
  readonly counters = new Counters();
  readonly measures = new Measures();
  readonly probe: ProbeAction;
  readonly scheduler: Scheduler;

  constructor(settings: Partial<SchedulerSettings> = {}, maxRunsPerOrigin?: number) {
    this.probe = new ProbeAction(this.clock, maxRunsPerOrigin);
    const { clock, store, log, counters, measures } = this;
    const actions = new ActionRegistry([this.probe]);
    this.scheduler = new Scheduler(
      { clock, store, log, counters, measures, actions, random: () => 0 },
      { ...schedulerDefaults, ...settings },
    );
    this.scheduler.start();
  }

  /** Seconds pass one by one, as they do. */
  async pass(seconds: number): Promise<void> {
    for (let n = 0; n < seconds; n += 1) await this.clock.advance(1);
  }

  async stop(graceMs = 0): Promise<void> {
    const drained = this.scheduler.drain(graceMs);
    for (let n = 0; n < 30; n += 1) await this.clock.advance(1);
    await drained;
  }
}

/** An interval plan that calls the probe. */
export const every = (
  seconds: number,
  key: string,
  params: Readonly<Record<string, string>> = {},
  count = 0,
): PlanRequest => ({
  kind: 'interval',
  key,
  fields: { second: seconds },
  count,
  action: 'probe',
  params: new Map(Object.entries(params)),
});

/** A plan that fires once. */
export const once = (
  inSeconds: number,
  key: string,
  params: Readonly<Record<string, string>> = {},
): PlanRequest => every(inSeconds, key, params, 1);
