import type { Run } from '../../src/actions/action.ts';
import type { Plan, PlanRequest } from '../../src/core/plan.ts';
import { countFireTimes } from '../../src/core/schedule.ts';
import type { UnixSeconds } from '../../src/core/time.ts';
import type { TriggeredFiring } from '../../src/scheduler/plan-service.ts';

type Fate = 'running' | 'retried' | 'ended' | 'cut';

interface Known {
  readonly plan: Plan;
  readonly isExact: boolean;
  /** What became of each attempt, by the due time. */
  readonly firings: Map<UnixSeconds, Fate[]>;
  /** The same of what was triggered, by the fire id. */
  readonly triggered: Map<string, Fate[]>;
  /** A trigger was answered with an error, so what is triggered may be more. */
  hasUnknown: boolean;
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
    this.#byGeneration.set(plan.generation, {
      ...{ plan, isExact, firings: new Map(), triggered: new Map(), hasUnknown: false },
    });
    this.#current.set(plan.key, plan.generation);
  }

  /** The reply to a trigger of that key has come; undefined: an error that says nothing of the outcome. */
  triggered(key: string, firing: TriggeredFiring | undefined): void {
    const generation = firing ? generationOf({ key, ...firing }) : this.#current.get(key);
    const known = this.#byGeneration.get(generation ?? -1);
    if (known === undefined) return;
    if (firing === undefined) known.hasUnknown = true;
    else if (known.triggered.has(firing.fireId))
      this.#breach(3, known.plan, 'a fire id comes twice');
    else known.triggered.set(firing.fireId, []);
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
    const fates = this.#fatesOf(known, run, mayBeUnknown);
    const before = fates.at(-1);
    if (before === 'running') this.#breach(3, run, 'it starts while it runs');
    if (before === 'ended') this.#breach(3, run, 'it starts although it has ended');
    fates.push('running');
  }

  ended(run: Run, fate: Fate): void {
    const known = this.#byGeneration.get(generationOf(run));
    const fates = isTriggered(run)
      ? known?.triggered.get(run.fireId)
      : known?.firings.get(run.fireTime);
    if (fates?.at(-1) === 'running') fates[fates.length - 1] = fate;
  }

  /** The process has gone: what ran, and what had just ended, may start again. */
  died(): void {
    for (const { firings, triggered } of this.#byGeneration.values()) {
      for (const fates of [...firings.values(), ...triggered.values()]) {
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
      for (const [id, fates] of known.triggered) {
        if (fates.length === 0) this.#breach(3, known.plan, `${id} was triggered and never came`);
      }
      if (plan === undefined) this.#judgeGone(known);
      else this.#judgeAlive(known, plan, now);
    }
    for (const key of plans.keys()) {
      if (!this.#current.has(key) && !unknown.has(key)) this.breaches.push(`law 4: ${key} is back`);
    }
  }

  /** Of the attempts before this one. */
  #fatesOf({ firings, triggered, hasUnknown }: Known, run: Run, mayBeUnknown: boolean): Fate[] {
    if (!isTriggered(run)) {
      const fates = firings.get(run.fireTime) ?? [];
      firings.set(run.fireTime, fates);
      return fates;
    }
    const fates = triggered.get(run.fireId) ?? [];
    if (!triggered.has(run.fireId) && !hasUnknown && !mayBeUnknown) {
      this.#breach(3, run, 'nobody triggered it');
    }
    triggered.set(run.fireId, fates);
    return fates;
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

type Identity = Pick<Run, 'key' | 'fireId'>;

/** Behind the key of a fire id: generation, fire time and, if it was triggered, its number. */
const partsOf = ({ key, fireId }: Identity): string[] => fireId.slice(key.length + 1).split(':');

const generationOf = (run: Identity): number => Number(partsOf(run)[0]);

const isTriggered = (run: Identity): boolean => partsOf(run).length > 2;
