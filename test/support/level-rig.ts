import { type Action, ActionRegistry } from '../../src/actions/action.ts';
import type { UnixSeconds } from '../../src/core/time.ts';
import { Counters } from '../../src/metrics/counters.ts';
import { Scheduler, type SchedulerSettings } from '../../src/scheduler/scheduler.ts';
import {
  type LevelStoreOptions,
  openLevelStoreOver,
} from '../../src/stores/level/open-level-store.ts';
import { openDatabase } from '../../src/stores/level/database.ts';
import { databaseDefaults } from './database.ts';
import { FailingDatabase } from './failing-database.ts';
import { FakeClock } from './fake-clock.ts';
import { T0 } from './plans.ts';
import { ProbeAction } from './probe-action.ts';
import { RecordedLog } from './recorded-log.ts';
import { schedulerDefaults } from './rig.ts';
import { watched, type WatchedStore } from './watched-store.ts';

export interface LevelRigOptions {
  readonly store?: Partial<LevelStoreOptions>;
  readonly scheduler?: Partial<SchedulerSettings>;
  /** In place of the probe. */
  readonly action?: Action;
}

/** A scheduler over a real embedded store, on the fake clock; it can die and come back. */
export class LevelRig {
  readonly clock = new FakeClock(T0);
  readonly log = new RecordedLog();
  readonly counters = new Counters();
  readonly probe: ProbeAction;
  readonly directory: string;
  readonly #options: LevelRigOptions;
  readonly #action: Action;
  #disk: FailingDatabase | undefined;
  #watched: WatchedStore | undefined;
  #scheduler: Scheduler | undefined;

  private constructor(directory: string, options: LevelRigOptions) {
    this.directory = directory;
    this.#options = options;
    this.probe = new ProbeAction(this.clock);
    this.#action = options.action ?? this.probe;
  }

  static async open(directory: string, options: LevelRigOptions = {}): Promise<LevelRig> {
    const rig = new LevelRig(directory, options);
    await rig.start();
    return rig;
  }

  get store(): WatchedStore['store'] {
    if (this.#watched === undefined) throw new TypeError('the rig is down');
    return this.#watched.store;
  }

  get disk(): FailingDatabase {
    if (this.#disk === undefined) throw new TypeError('the rig is down');
    return this.#disk;
  }

  get scheduler(): Scheduler {
    if (this.#scheduler === undefined) throw new TypeError('the rig is down');
    return this.#scheduler;
  }

  async start(): Promise<void> {
    const { clock, log, counters } = this;
    const settings: LevelStoreOptions = {
      ...databaseDefaults(this.directory),
      sync: 'never',
      statusKeepSeconds: 0,
      random: () => 0.5,
      ...this.#options.store,
      clock,
      log,
      counters,
    };
    const store = await openLevelStoreOver(async (onReopened) => {
      return (this.#disk = new FailingDatabase(await openDatabase(settings), onReopened));
    }, settings);
    this.#watched = watched(store);
    this.#scheduler = new Scheduler(
      {
        ...{ clock, log, counters, store: this.#watched.store },
        ...{ actions: new ActionRegistry([this.#action]), random: () => 0 },
      },
      { ...schedulerDefaults, ...this.#options.scheduler },
    );
    this.#scheduler.start();
    await this.rest();
  }

  /** All that can happen in this second has happened. */
  async rest(): Promise<void> {
    await this.#watched?.rest();
  }

  async pass(seconds: number): Promise<void> {
    for (let n = 0; n < seconds; n += 1) {
      await this.clock.advance(1);
      await this.rest();
    }
  }

  async set(now: UnixSeconds): Promise<void> {
    await this.clock.set(now);
    await this.rest();
  }

  /** The process dies: what is in flight stays so. */
  async kill(): Promise<void> {
    this.disk.die();
    await this.stop();
  }

  /** Stops in order; what still runs is cut. */
  async stop(): Promise<void> {
    const drained = this.scheduler.drain(0);
    for (let n = 0; n < 3; n += 1) {
      await this.clock.advance(1);
      await this.rest();
    }
    await drained;
    await this.store.close();
    this.#disk = undefined;
    this.#watched = undefined;
    this.#scheduler = undefined;
  }
}
