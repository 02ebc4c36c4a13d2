import { advance } from '../../src/core/misfire.ts';
import { planExists, planNotStored, tooManyUnfinished } from '../../src/core/errors.ts';
import { failureOf, type ListedFailure } from '../../src/core/failure.ts';
import type { Firing, FiringName, UnfinishedFiring } from '../../src/core/firing.ts';
import type { AgendaPlace, Plan, PlanDraft } from '../../src/core/plan.ts';
import { policyOf } from '../../src/core/policy.ts';
import type { Clock, UnixSeconds } from '../../src/core/time.ts';
import type {
  Claim,
  ClaimResult,
  ClaimRoom,
  PutOptions,
  Settlement,
  Store,
} from '../../src/stores/store.ts';

type Entry = { readonly plan: Plan; readonly due: UnixSeconds; readonly firing?: UnfinishedFiring };

/** The store's contract in its plainest form: one Map, everything found by scanning. Keeps nothing. */
export class MemoryStore implements Store {
  readonly recovery = { reclaimed: 0, givenUp: [] };
  readonly #clock: Clock;
  readonly #plans = new Map<string, Plan>();
  readonly #failures: ListedFailure[] = [];
  #generation = 0;
  readonly #triggers = new Map<number, number>();
  /** When set, every change is refused with it. */
  outage: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): UnixSeconds {
    return this.#clock.now();
  }

  async put(
    draft: PlanDraft,
    firstFireTime: UnixSeconds,
    { onlyIfAbsent = false, past }: PutOptions = {},
  ): Promise<Plan> {
    this.#refuseInOutage();
    if (onlyIfAbsent && this.#plans.has(draft.key)) throw planExists(draft.key);
    const plan: Plan = {
      ...draft,
      ...(past ?? { createdTime: this.now(), firedCount: 0, status: 0 }),
      generation: ++this.#generation,
      nextFireTime: firstFireTime,
      unfinished: [],
    };
    this.#plans.set(plan.key, plan);
    return plan;
  }

  async remove(key: string): Promise<Plan | undefined> {
    this.#refuseInOutage();
    const plan = this.#plans.get(key);
    this.#plans.delete(key);
    return plan;
  }

  async trigger(key: string): Promise<Firing | undefined> {
    this.#refuseInOutage();
    const plan = this.#plans.get(key);
    if (plan === undefined) return undefined;
    const { maxUnfinished } = policyOf(plan.params);
    if (plan.unfinished.length >= maxUnfinished) throw tooManyUnfinished(key, maxUnfinished);
    const trigger = (this.#triggers.get(plan.generation) ?? 0) + 1;
    this.#triggers.set(plan.generation, trigger);
    const fireTime = this.now();
    const state = { kind: 'waiting', until: fireTime } as const;
    const firing = { fireTime, trigger, attempt: 1, failures: 0, crashes: 0, state };
    this.#plans.set(key, { ...plan, unfinished: [...plan.unfinished, firing] });
    return claimOf(plan, firing).firing;
  }

  async get(key: string): Promise<Plan | undefined> {
    return this.#plans.get(key);
  }

  async getMany(keys: readonly string[]): Promise<readonly Plan[]> {
    return keys.flatMap((key) => this.#plans.get(key) ?? []);
  }

  async keys(prefix: string, limit: number, after?: string): Promise<readonly string[]> {
    return this.#inKeyOrder()
      .map(({ key }) => key)
      .filter((key) => key.startsWith(prefix) && (after === undefined || byBytes(key, after) > 0))
      .slice(0, limit);
  }

  async agenda(
    from: UnixSeconds,
    to: UnixSeconds,
    limit: number,
    after?: AgendaPlace,
  ): Promise<readonly Plan[]> {
    return this.#inKeyOrder()
      .flatMap(({ key, nextFireTime }) =>
        nextFireTime === undefined ? [] : [{ key, fireTime: nextFireTime }],
      )
      .filter(({ fireTime }) => fireTime >= from && fireTime < to)
      .sort((a, b) => a.fireTime - b.fireTime)
      .filter(
        ({ key, fireTime }) =>
          after === undefined || (fireTime - after.fireTime || byBytes(key, after.key)) > 0,
      )
      .slice(0, limit)
      .flatMap(({ key }) => this.#plans.get(key) ?? []);
  }

  planCount(): number {
    return this.#plans.size;
  }

  async claim(until: UnixSeconds, room: ClaimRoom): Promise<ClaimResult> {
    this.#refuseInOutage();
    const claims: Claim[] = [];
    const result = { claims, merged: 0, skipped: 0, misfires: 0, moved: 0, more: false };
    let late = room.late;
    for (const { plan, due, firing } of this.#agenda(until)) {
      const isLate = firing === undefined && due < room.lateBefore;
      if (result.claims.length >= room.firings || (isLate && late < 1)) {
        result.more = true;
        continue;
      }
      if (firing !== undefined) {
        result.claims.push(this.#claimAgain(plan, firing));
        result.moved += 1;
        continue;
      }
      const step = advance(plan, policyOf(plan.params), due, until);
      result.merged += step.merged;
      result.skipped += step.skipped;
      if (step.waits) continue;
      result.moved += 1;
      if (isLate) late -= 1;
      if (step.isMisfire && step.fire !== undefined) result.misfires += 1;
      if (step.next !== undefined && step.next <= until) result.more = true;
      const claim = this.#fire(plan, step.fire, step.next);
      if (claim !== undefined) result.claims.push(claim);
    }
    return result;
  }

  async claimParked(origin: string, limit: number): Promise<readonly Claim[]> {
    this.#refuseInOutage();
    return this.#parked()
      .filter(({ firing }) => firing.state.kind === 'parked' && firing.state.origin === origin)
      .sort((a, b) => a.firing.fireTime - b.firing.fireTime)
      .slice(0, limit)
      .map(({ plan, firing }) => this.#claimAgain(plan, firing));
  }

  async parkedOrigins(after: string | undefined, limit: number): Promise<readonly string[]> {
    const origins = this.#parked().flatMap(({ firing: { state } }) =>
      state.kind === 'parked' ? state.origin : [],
    );
    return [...new Set(origins)]
      .sort()
      .filter((origin) => after === undefined || origin > after)
      .slice(0, limit);
  }

  async settle(firing: Firing, settlement: Settlement): Promise<void> {
    this.#refuseInOutage();
    const plan = this.#plans.get(firing.key);
    const unfinished = plan?.unfinished.find((one) => isSame(one, firing));
    if (plan?.generation !== firing.generation || unfinished?.state.kind !== 'in_flight') return;
    const { kind } = settlement;
    if (kind === 'failed') {
      const failure = failureOf(firing, plan, settlement.reason, this.now());
      this.#failures.unshift({ ...failure, number: this.#failures.length + 1 });
    }
    if (kind === 'done' || kind === 'failed') this.#end(plan, unfinished, kind === 'done' ? 1 : -1);
    else if (kind === 'released')
      this.#change(plan, unfinished, { state: { kind: 'waiting', until: this.now() } });
    else if (kind === 'parked') this.#change(plan, unfinished, { state: settlement });
    else
      this.#change({ ...plan, status: -1 }, unfinished, {
        attempt: unfinished.attempt + 1,
        failures: unfinished.failures + 1,
        state: { kind: 'waiting', until: settlement.until },
      });
  }

  async failures(
    prefix: string,
    limit: number,
    before = Infinity,
  ): Promise<readonly ListedFailure[]> {
    return this.#failures
      .filter(({ key, number }) => key.startsWith(prefix) && number < before)
      .slice(0, limit);
  }

  async close(): Promise<void> {}

  #refuseInOutage(): void {
    if (this.outage !== undefined) throw planNotStored(this.outage);
  }

  #inKeyOrder(): Plan[] {
    return [...this.#plans.values()].sort((a, b) => byBytes(a.key, b.key));
  }

  #agenda(until: UnixSeconds): Entry[] {
    const entries = [...this.#plans.values()].flatMap((plan): Entry[] => [
      ...(plan.nextFireTime === undefined ? [] : [{ plan, due: plan.nextFireTime }]),
      ...plan.unfinished.flatMap((firing) =>
        firing.state.kind === 'waiting' ? [{ plan, due: firing.state.until, firing }] : [],
      ),
    ]);
    return entries.filter(({ due }) => due <= until).sort((a, b) => a.due - b.due);
  }

  #parked(): { plan: Plan; firing: UnfinishedFiring }[] {
    return [...this.#plans.values()].flatMap((plan) =>
      plan.unfinished
        .filter(({ state }) => state.kind === 'parked')
        .map((firing) => ({ plan, firing })),
    );
  }

  #fire(plan: Plan, fireTime?: UnixSeconds, next?: UnixSeconds): Claim | undefined {
    const { nextFireTime: _due, ...rest } = this.#plans.get(plan.key) ?? plan;
    const moved: Plan = { ...rest, ...(next === undefined ? {} : { nextFireTime: next }) };
    if (fireTime === undefined) {
      this.#keep(moved);
      return undefined;
    }
    const firing: UnfinishedFiring = {
      fireTime,
      attempt: 1,
      failures: 0,
      crashes: 0,
      state: { kind: 'in_flight' },
    };
    const fired: Plan = {
      ...moved,
      firedCount: moved.firedCount + 1,
      lastFireTime: fireTime,
      unfinished: [...moved.unfinished, firing],
    };
    this.#keep(fired);
    return claimOf(fired, firing);
  }

  #claimAgain(plan: Plan, firing: UnfinishedFiring): Claim {
    this.#change(this.#plans.get(plan.key) ?? plan, firing, { state: { kind: 'in_flight' } });
    return claimOf(this.#plans.get(plan.key) ?? plan, firing);
  }

  #change(plan: Plan, firing: UnfinishedFiring, changes: Partial<UnfinishedFiring>): void {
    const unfinished = plan.unfinished.map((each) =>
      isSame(each, firing) ? { ...each, ...changes } : each,
    );
    this.#keep({ ...plan, unfinished });
  }

  #end(plan: Plan, firing: UnfinishedFiring, status: 1 | -1): void {
    const unfinished = plan.unfinished.filter((one) => !isSame(one, firing));
    this.#keep({ ...plan, status, unfinished });
  }

  #keep(plan: Plan): void {
    if (plan.nextFireTime === undefined && plan.unfinished.length === 0)
      this.#plans.delete(plan.key);
    else this.#plans.set(plan.key, plan);
  }
}

function claimOf(plan: Plan, { state: _state, ...firing }: UnfinishedFiring): Claim {
  const { key, generation } = plan;
  return { plan, firing: { key, generation, ...firing } };
}

const isSame = (a: FiringName, b: FiringName): boolean =>
  a.fireTime === b.fireTime && a.trigger === b.trigger;

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
