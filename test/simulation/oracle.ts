import type { Run } from '../../src/actions/action.ts';
import type { Plan, PlanRequest } from '../../src/core/plan.ts';
import { countFireTimes } from '../../src/core/schedule.ts';
import type { UnixSeconds } from '../../src/core/time.ts';

type Fate = 'running' | 'retried' | 'ended' | 'cut';

interface Attempts {
  readonly fireTime: UnixSeconds;
  readonly fates: Fate[];
}

interface Known {
  readonly plan: Plan;
  readonly isExact: boolean;
  readonly firings: Map<UnixSeconds, Attempts>;
}

export interface SimulatedRun {
  readonly generation: number;
  readonly key: string;
  readonly fireTime: UnixSeconds;
}

/** Follows every plan and every run, and notes each breach of a law. */
export class Oracle {
  readonly breaches: string[] = [];
  readonly #byGeneration = new Map<number, Known>();
  /** By key, the generation that may start runs; absent when the plan was removed. */
  readonly #current = new Map<string, number>();

  /** Its reply has come. */
  created(plan: Plan, { params }: PlanRequest): void {
    if (this.#byGeneration.has(plan.generation))
      this.#breach(4, plan, 'its generation is used twice');
    const isExact = params.get('forsun.misfire') === 'fire_all';
    this.#byGeneration.set(plan.generation, { plan, isExact, firings: new Map() });
    this.#current.set(plan.key, plan.generation);
  }

  removed(key: string): void {
    this.#current.delete(key);
  }

  /** Of the plan under the key nothing is known: a change of it failed. */
  lost(key: string): void {
    this.#current.delete(key);
  }

  current(key: string): number | undefined {
    return this.#current.get(key);
  }

  /** `mayBeUnknown`: a change of its key failed, so it may be one whose reply never came. */
  started(run: Run, latest: number, mayBeUnknown: boolean): void {
    const generation = generationOf(run);
    const known = this.#byGeneration.get(generation);
    if (known === undefined) {
      if (!mayBeUnknown) this.#breach(4, run, `generation ${generation} was never created`);
      return;
    }
    if (this.#current.get(run.key) !== generation && !mayBeUnknown) {
      this.#breach(4, run, 'it starts after its plan was removed or replaced');
    }
    if (run.fireTime > latest) this.#breach(2, run, `it starts early, by ${latest}`);
    const firing = known.firings.get(run.fireTime) ?? { fireTime: run.fireTime, fates: [] };
    known.firings.set(run.fireTime, firing);
    const before = firing.fates.at(-1);
    if (before === 'running') this.#breach(3, run, 'it starts while it runs');
    if (before === 'ended') this.#breach(3, run, 'it starts although it has ended');
    firing.fates.push('running');
  }

  ended(run: Run, fate: Fate): void {
    const firing = this.#byGeneration.get(generationOf(run))?.firings.get(run.fireTime);
    if (firing?.fates.at(-1) === 'running') firing.fates[firing.fates.length - 1] = fate;
  }

  /** The process has gone: what ran, and what had just ended, may start again. */
  died(): void {
    for (const { firings } of this.#byGeneration.values()) {
      for (const { fates } of firings.values()) {
        if (fates.length > 0) fates[fates.length - 1] = 'cut';
      }
    }
  }

  /** All is quiet: each plan as the store has it, undefined when it is gone. */
  judge(now: UnixSeconds, plans: ReadonlyMap<string, Plan>, unknown: ReadonlySet<string>): void {
    for (const [key, generation] of this.#current) {
      if (unknown.has(key)) continue;
      const known = this.#byGeneration.get(generation);
      const plan = plans.get(key);
      if (known === undefined) continue;
      if (plan === undefined) this.#judgeGone(known);
      else this.#judgeAlive(known, plan, now);
    }
    for (const key of plans.keys()) {
      if (!this.#current.has(key) && !unknown.has(key)) this.breaches.push(`law 4: ${key} is back`);
    }
  }

  #judgeGone({ plan, firings }: Known): void {
    if (plan.count === 0) this.#breach(3, plan, 'it repeats for ever, yet is gone');
    else if (firings.size !== plan.count) {
      this.#breach(3, plan, `it is gone after ${firings.size} firings of ${plan.count}`);
    }
  }

  #judgeAlive({ plan, isExact, firings }: Known, now: Plan, time: UnixSeconds): void {
    const { nextFireTime, firedCount, unfinished } = now;
    if (unfinished.length > 0) this.#breach(3, plan, `it is stuck: ${JSON.stringify(unfinished)}`);
    if (nextFireTime === undefined) return;
    if (nextFireTime <= time)
      this.#breach(3, plan, `it was due at ${nextFireTime} and is not fired`);
    if (firings.size !== firedCount) {
      this.#breach(3, plan, `${firings.size} firings came, ${firedCount} are counted`);
    }
    const first = plan.nextFireTime ?? nextFireTime;
    const due = countFireTimes(plan.schedule, first, nextFireTime);
    if (isExact && due !== firings.size) {
      this.#breach(3, plan, `${due} were due and ${firings.size} came`);
    }
    for (const fireTime of firings.keys()) {
      const { schedule } = plan;
      if (schedule.kind === 'interval' && (fireTime - first) % schedule.everySeconds !== 0) {
        this.#breach(5, plan, `it fired for ${fireTime}`);
      }
    }
  }

  #breach(law: number, { key }: { readonly key: string }, what: string): void {
    this.breaches.push(`law ${law}: ${key}: ${what}`);
  }
}

export const generationOf = ({ fireId }: Run): number => Number(fireId.split(':').at(-2));
