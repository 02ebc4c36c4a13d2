import type { Action, Outcome, PreparedAction, Run } from '../../src/actions/action.ts';
import type { Params, Plan, PlanRequest } from '../../src/core/plan.ts';
import { addSeconds } from '../../src/core/time.ts';
import { checkStore } from '../../src/stores/level/check.ts';
import { planContentsCheck } from '../../src/stores/level/plan-contents.ts';
import { LevelRig } from '../support/level-rig.ts';
import { Oracle } from './oracle.ts';
import { Random } from './random.ts';

const keyCount = 14;
/** Longer than any backoff of what crashed, and than any hold. */
const quietSeconds = 330;

interface Held {
  readonly run: Run;
  readonly end: (outcome: Outcome) => void;
}

/** A scheduler over a real store, lived through at random; the same seed lives the same life. */
export class Simulation {
  readonly #random: Random;
  readonly #oracle = new Oracle();
  readonly #held = new Set<Held>();
  /** Keys of which a change was answered with an error, so its outcome is unknown. */
  readonly #unknown = new Set<string>();
  readonly #rig: LevelRig;
  readonly #statusKeepSeconds: number;
  /** The latest second the clock has shown: a firing is judged when it is claimed. */
  #latest = 0;
  #isQuiet = false;

  private constructor(random: Random, rig: LevelRig, statusKeepSeconds: number) {
    this.#random = random;
    this.#rig = rig;
    this.#statusKeepSeconds = statusKeepSeconds;
  }

  /** Answers what went against the laws. */
  static async live(seed: number, steps: number, directory: string): Promise<readonly string[]> {
    const random = new Random(seed);
    const statusKeepSeconds = random.pick([0, 0, 3]);
    const bounds = { entries: random.pick([2, 8, 1_000]), bytes: 1_000_000, horizonSeconds: 4 };
    const runs = { start: (run: Run): Promise<Outcome> => simulation.#start(run) };
    const rig = await LevelRig.open(directory, {
      action: actionOf(runs),
      store: { statusKeepSeconds, nearAgenda: bounds },
      scheduler: {
        dispatch: { runs: 4, held: random.pick([4, 12]), queuedPerOrigin: 2 },
        claimSize: random.pick([2, 8, 1_024]),
        lateAfterSeconds: random.pick([3, 60]),
        catchUpPerSecond: random.pick([3, 2_000]),
      },
    });
    const simulation = new Simulation(random, rig, statusKeepSeconds);
    for (let step = 0; step < steps; step += 1) await simulation.#step();
    await simulation.#end();
    return simulation.#oracle.breaches;
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const what = random.next();
    if (what < 0.3) await this.#create();
    else if (what < 0.36) await this.#trigger();
    else if (what < 0.45) await this.#remove();
    else if (what < 0.8) await this.#rig.pass(random.between(1, 3));
    else if (what < 0.88) this.#endSome(0.5);
    else if (what < 0.91) await this.#jump();
    else if (what < 0.95) this.#rig.disk.failNext(random.pick(['lost', 'landed']));
    else if (what < 0.98) await this.#rig.disk.heal();
    else await this.#restart();
    await this.#rig.rest();
  }

  async #create(): Promise<void> {
    const random = this.#random;
    const key = `k${random.between(1, keyCount)}`;
    const params = new Map([['target', `t${random.between(1, 3)}`]]);
    params.set('forsun.misfire', random.pick(['fire_all', 'fire_once', 'skip']));
    if (random.chance(0.3)) params.set('forsun.misfire_threshold', '2');
    if (random.chance(0.4)) params.set('forsun.max_unfinished', '1');
    const isExact = params.get('forsun.misfire') === 'fire_all';
    // So few due times are ever missed at once that fire_all leaves none out.
    const second = random.between(isExact ? 8 : 1, 12);
    const request: PlanRequest = {
      kind: 'interval',
      key,
      fields: { second },
      count: random.pick([0, 1, 1, 3]),
      action: 'simulated',
      params,
    };
    try {
      const plan = await this.#rig.scheduler.create(request);
      this.#unknown.delete(key);
      this.#oracle.created(plan, request);
    } catch {
      this.#unknown.add(key);
      this.#oracle.lost(key);
    }
  }

  async #trigger(): Promise<void> {
    const key = `k${this.#random.between(1, keyCount)}`;
    try {
      this.#oracle.triggered(key, await this.#rig.scheduler.trigger(key));
    } catch (error) {
      if (!/no plan|unfinished/.test(String(error))) this.#oracle.triggered(key, undefined);
    }
  }

  async #remove(): Promise<void> {
    const key = `k${this.#random.between(1, keyCount)}`;
    try {
      await this.#rig.scheduler.remove(key);
      this.#unknown.delete(key);
      this.#oracle.removed(key);
    } catch (error) {
      if (!String(error).includes('no plan')) {
        this.#unknown.add(key);
        this.#oracle.lost(key);
      }
    }
  }

  async #jump(): Promise<void> {
    const now = this.#rig.clock.now();
    this.#latest = Math.max(this.#latest, now);
    await this.#rig.set(addSeconds(now, this.#random.between(-60, 120)));
  }

  async #restart(): Promise<void> {
    if (this.#random.chance(0.5)) {
      await this.#rig.kill();
      this.#oracle.died();
    } else {
      const wasBroken = this.#rig.disk.isBroken;
      await this.#rig.stop();
      if (wasBroken) this.#oracle.died();
    }
    this.#held.clear();
    await this.#check();
    await this.#rig.start();
  }

  async #end(): Promise<void> {
    await this.#rig.disk.heal();
    this.#isQuiet = true;
    for (let second = 0; second < quietSeconds; second += 1) {
      this.#endSome(1);
      await this.#rig.pass(1);
    }
    for (let n = 0; n < keyCount; n += 1) {
      this.#endSome(1);
      await this.#rig.rest();
    }
    const keys = await this.#rig.store.keys('', 1_000);
    const plans = new Map((await this.#rig.store.getMany(keys)).map((plan) => [plan.key, plan]));
    if (this.#statusKeepSeconds > 0) this.#forgetKept(plans);
    this.#oracle.judge(this.#rig.clock.now(), plans, this.#unknown);
    if (keys.length !== this.#rig.store.planCount()) {
      this.#oracle.breaches.push(`${keys.length} plans, ${this.#rig.store.planCount()} counted`);
    }
    await this.#rig.stop();
    await this.#check();
  }

  /** Kept for its status only. */
  #forgetKept(plans: Map<string, Plan>): void {
    for (const [key, plan] of plans) {
      if (plan.nextFireTime === undefined && plan.unfinished.length === 0) plans.delete(key);
    }
  }

  async #check(): Promise<void> {
    const { damage } = await checkStore(this.#rig.directory, planContentsCheck());
    this.#oracle.breaches.push(...damage.map(({ what }) => `forsund check: ${what}`));
  }

  #endSome(part: number): void {
    for (const held of [...this.#held]) {
      if (!this.#random.chance(part)) continue;
      this.#held.delete(held);
      this.#endRun(held);
    }
  }

  #endRun({ run, end }: Held): void {
    const kind = this.#isQuiet
      ? 'done'
      : this.#random.pick(['done', 'done', 'failed', 'retry'] as const);
    this.#oracle.ended(run, kind === 'retry' ? 'retried' : 'ended');
    end(kind === 'done' ? { kind } : { kind, reason: 'at random' });
  }

  #start(run: Run): Promise<Outcome> {
    return new Promise((resolve) => {
      const end = (outcome: Outcome): void => resolve(outcome);
      this.#latest = Math.max(this.#latest, this.#rig.clock.now());
      this.#oracle.started(run, this.#latest, this.#unknown.has(run.key));
      const held = { run, end };
      run.signal.addEventListener('abort', () => {
        this.#held.delete(held);
        this.#oracle.ended(run, 'cut');
        end({ kind: 'failed', reason: 'cut' });
      });
      if (this.#random.chance(0.5)) this.#held.add(held);
      else this.#endRun(held);
    });
  }
}

const actionOf = ({ start }: { readonly start: PreparedAction['run'] }): Action => ({
  name: 'simulated',
  timeoutSeconds: 60,
  retriesDeadline: true,
  maxRunsPerOrigin: 2,
  prepare: (params: Params): PreparedAction => ({ origin: params.get('target') ?? '', run: start }),
});
