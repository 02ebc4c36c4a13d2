import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type Failure, failureOf } from '../../src/core/failure.ts';
import type { Firing, FiringName, UnfinishedFiring } from '../../src/core/firing.ts';
import { advance } from '../../src/core/misfire.ts';
import type { AgendaPlace, Plan, PlanDraft, PlanPast } from '../../src/core/plan.ts';
import { policyOf } from '../../src/core/policy.ts';
import { addSeconds, type UnixSeconds } from '../../src/core/time.ts';
import type { Settlement, Store } from '../../src/stores/store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aDraft, T0 } from '../support/plans.ts';
import type { StoredPlan } from '../../src/stores/stored-plan.ts';
import { room, type StorePlace } from './store.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Step =
  | {
      readonly do: 'put';
      readonly key: string;
      readonly draft: PlanDraft;
      readonly delay: number;
      readonly onlyIfAbsent: boolean;
      readonly firedBefore: number | undefined;
    }
  | { readonly do: 'trigger'; readonly key: string }
  | { readonly do: 'remove'; readonly key: string }
  | { readonly do: 'settle'; readonly which: number; readonly how: Settlement['kind'] }
  | { readonly do: 'parked'; readonly limit: number }
  | { readonly do: 'claim'; readonly after: number; readonly firings: number }
  | { readonly do: 'reopen' };

const keys = ['a', 'b', 'ab', 'é', 'c'];
const origins = ['o', 'p'];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      key: fc.constantFrom(...keys),
      delay: fc.integer({ min: -200, max: 30 }),
      onlyIfAbsent: fc.boolean(),
      firedBefore: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
      draft: fc
        .record({
          everySeconds: fc.integer({ min: 1, max: 40 }),
          count: fc.integer({ min: 0, max: 3 }),
          misfire: fc.constantFrom('fire_once', 'fire_all', 'skip'),
          maxUnfinished: fc.integer({ min: 1, max: 4 }),
        })
        .map(({ everySeconds, count, misfire, maxUnfinished }) =>
          aDraft({
            schedule: { kind: 'interval', everySeconds, fields: { second: everySeconds } },
            count,
            params: new Map([
              ['forsun.misfire', misfire],
              ['forsun.max_unfinished', String(maxUnfinished)],
            ]),
          }),
        ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('trigger' as const),
      key: fc.constantFrom(...keys),
    }),
  },
  fc.record({ do: fc.constant('remove' as const), key: fc.constantFrom(...keys) }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(),
      how: fc.constantFrom('done', 'failed', 'retry', 'released', 'parked'),
    }),
  },
  fc.record({ do: fc.constant('parked' as const), limit: fc.integer({ min: 1, max: 3 }) }),
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      after: fc.oneof(
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: -40, max: 0 }),
        fc.integer({ min: 60, max: 300 }),
      ),
      firings: fc.integer({ min: 1, max: 5 }),
    }),
  },
  fc.record({ do: fc.constant('reopen' as const) }),
);

type Stored = Mutable<StoredPlan>;

/** What a store holds, in the plainest way there is. */
class Model {
  readonly plans = new Map<string, Stored>();
  readonly handedOut: Firing[] = [];
  /** Newest first. */
  readonly failures: Failure[] = [];
  readonly statusKeepSeconds: number;

  constructor(statusKeepSeconds: number) {
    this.statusKeepSeconds = statusKeepSeconds;
  }

  /** All that is due, as sorted texts. */
  claim(until: UnixSeconds): Firing[] {
    const claimed: Firing[] = [];
    for (const plan of [...this.plans.values()]) {
      if (plan.expires !== undefined && plan.expires <= until) this.plans.delete(plan.key);
      plan.unfinished = plan.unfinished.map((firing) => {
        if (firing.state.kind !== 'waiting' || firing.state.until > until) return firing;
        claimed.push(this.#handOut(plan, firing));
        return { ...firing, state: { kind: 'in_flight' } };
      });
      while (plan.nextFireTime !== undefined && plan.nextFireTime <= until) {
        const step = advance(plan, policyOf(plan.params), plan.nextFireTime, until);
        if (step.waits) break;
        this.#schedule(plan, step.next);
        if (step.fire !== undefined) {
          const firing = {
            fireTime: step.fire,
            attempt: 1,
            failures: 0,
            crashes: 0,
            state: { kind: 'in_flight' },
          } as const;
          plan.lastFireTime = step.fire;
          plan.firedCount++;
          plan.unfinished = [...plan.unfinished, firing];
          claimed.push(this.#handOut(plan, firing));
        }
        this.#endIfOver(plan, until);
      }
    }
    return claimed;
  }

  /** Undefined when it is refused. */
  trigger(plan: Stored, now: UnixSeconds): Firing | undefined {
    if (plan.unfinished.length >= policyOf(plan.params).maxUnfinished) return undefined;
    plan.triggers = (plan.triggers ?? 0) + 1;
    delete plan.expires;
    const name = { fireTime: now, trigger: plan.triggers };
    const counts = { attempt: 1, failures: 0, crashes: 0 };
    const state = { kind: 'waiting', until: now } as const;
    plan.unfinished = [...plan.unfinished, { ...name, ...counts, state }];
    return { key: plan.key, generation: plan.generation, ...name, ...counts };
  }

  settle(firing: Firing, how: Settlement, now: UnixSeconds): void {
    const plan = this.plans.get(firing.key);
    if (plan?.generation !== firing.generation) return;
    const ours = plan.unfinished.find(
      (one) =>
        isSame(one, firing) && one.attempt === firing.attempt && one.state.kind === 'in_flight',
    );
    if (ours === undefined) return;
    const replace = (by: Partial<UnfinishedFiring>): void => {
      plan.unfinished = plan.unfinished.map((one) => (one === ours ? { ...ours, ...by } : one));
    };
    if (how.kind === 'done' || how.kind === 'failed') {
      plan.status = how.kind === 'done' ? 1 : -1;
      if (how.kind === 'failed') this.failures.unshift(failureOf(firing, plan, how.reason, now));
      plan.unfinished = plan.unfinished.filter((one) => one !== ours);
      this.#endIfOver(plan, now);
    } else if (how.kind === 'retry') {
      plan.status = -1;
      const { attempt, failures } = ours;
      const state = { kind: 'waiting', until: how.until } as const;
      replace({ attempt: attempt + 1, failures: failures + 1, state });
    } else if (how.kind === 'released') replace({ state: { kind: 'waiting', until: now } });
    else replace({ state: how });
  }

  claimParked(origin: string, limit: number): Firing[] {
    return this.#parked(origin)
      .slice(0, limit)
      .map(({ plan, firing }) => {
        plan.unfinished = plan.unfinished.map((one) =>
          one === firing ? { ...firing, state: { kind: 'in_flight' } } : one,
        );
        return this.#handOut(plan, firing);
      });
  }

  #parked(origin: string) {
    return [...this.plans.values()]
      .flatMap((plan) => plan.unfinished.map((firing) => ({ plan, firing })))
      .filter(({ firing: { state } }) => state.kind === 'parked' && state.origin === origin)
      .sort(
        (a, b) =>
          a.firing.fireTime - b.firing.fireTime ||
          Buffer.compare(Buffer.from(a.plan.key), Buffer.from(b.plan.key)) ||
          (a.firing.trigger ?? 0) - (b.firing.trigger ?? 0),
      );
  }

  crash(now: UnixSeconds): void {
    this.handedOut.length = 0;
    for (const plan of [...this.plans.values()].sort(byKey)) {
      for (const firing of plan.unfinished) {
        if (firing.state.kind !== 'in_flight') continue;
        const crashes = firing.crashes + 1;
        if (crashes > 10) {
          plan.unfinished = plan.unfinished.filter((one) => one !== firing);
          plan.status = -1;
          const reason = `under way at ${crashes} crashes of the server`;
          const { key, generation } = plan;
          const failed = { key, generation, ...firing };
          this.failures.unshift(failureOf(failed, plan, reason, now));
          this.#endIfOver(plan, now);
          continue;
        }
        const backoff = crashes === 1 ? 0 : Math.min(5 * 2 ** (crashes - 2), 300);
        const until = addSeconds(now, backoff + Math.round(backoff * 0.25));
        const again = { crashes, attempt: firing.attempt + 1 };
        const state = { kind: 'waiting', until } as const;
        plan.unfinished = plan.unfinished.map((one) =>
          one === firing ? { ...firing, ...again, state } : one,
        );
      }
    }
  }

  #handOut({ key, generation }: Plan, { state: _state, ...firing }: UnfinishedFiring): Firing {
    const handed = { key, generation, ...firing };
    this.handedOut.push(handed);
    return handed;
  }

  #schedule(plan: Mutable<Plan>, next: UnixSeconds | undefined): void {
    if (next === undefined) delete plan.nextFireTime;
    else plan.nextFireTime = next;
  }

  #endIfOver(plan: Stored, now: UnixSeconds): void {
    if (plan.nextFireTime !== undefined || plan.unfinished.length > 0) return;
    if (this.statusKeepSeconds === 0) this.plans.delete(plan.key);
    else plan.expires = addSeconds(now, this.statusKeepSeconds);
  }
}

const isSame = (a: FiringName, b: FiringName): boolean =>
  a.fireTime === b.fireTime && a.trigger === b.trigger;

const byKey = (a: Plan, b: Plan): number => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));

const sorted = (firings: readonly Firing[]): string[] =>
  firings.map((firing) => JSON.stringify(Object.entries(firing).sort())).sort();

/** Runs the steps on both; removes and settlings are not waited for until it matters. */
async function run(place: StorePlace, steps: readonly Step[], keep: number): Promise<void> {
  const clock = new FakeClock(T0);
  const model = new Model(keep);
  let store: Store = await place.open(clock, { statusKeepSeconds: keep });
  let calls: Promise<unknown>[] = [];
  try {
    for (const step of steps) {
      const now = clock.now();
      if (step.do === 'put') {
        const { key, draft, delay, onlyIfAbsent } = step;
        const past = pastOf(step.firedBefore);
        const options = past === undefined ? { onlyIfAbsent } : { onlyIfAbsent, past };
        const put = store.put({ ...draft, key }, addSeconds(now, delay), options);
        if (onlyIfAbsent && model.plans.has(key)) {
          await expect(put).rejects.toMatchObject({ code: 'plan_exists' });
        } else {
          // Its generation is the store's to say, so the model learns of a put by its answer.
          const plan = await put;
          expect(plan).toMatchObject(past ?? { createdTime: now, firedCount: 0, status: 0 });
          model.plans.set(key, { ...plan });
        }
      } else if (step.do === 'trigger') {
        const triggered = store.trigger(step.key);
        const plan = model.plans.get(step.key);
        const expected = plan && model.trigger(plan, now);
        if (plan !== undefined && expected === undefined) {
          await expect(triggered).rejects.toMatchObject({ code: 'too_many_unfinished' });
        } else expect(await triggered).toEqual(expected);
      } else if (step.do === 'remove') {
        model.plans.delete(step.key);
        calls.push(store.remove(step.key));
      } else if (step.do === 'settle') {
        const firing = model.handedOut[step.which % model.handedOut.length];
        if (firing === undefined) continue;
        const how: Settlement =
          step.how === 'retry'
            ? { kind: step.how, until: addSeconds(now, 6) }
            : step.how === 'parked'
              ? { kind: step.how, origin: origins[step.which % origins.length]! }
              : step.how === 'failed'
                ? { kind: step.how, reason: `reason ${step.which}` }
                : { kind: step.how };
        model.settle(firing, how, now);
        calls.push(store.settle(firing, how));
      } else if (step.do === 'parked') {
        for (const origin of origins) {
          const expected = model.claimParked(origin, step.limit);
          const claims = await store.claimParked(origin, step.limit);
          expect(claims.map(({ firing }) => firing)).toEqual(expected);
        }
      } else if (step.do === 'claim') {
        await clock.set(addSeconds(now, step.after));
        const until = clock.now();
        const claimed: Firing[] = [];
        for (let more = true; more;) {
          const wanted = room(until, { firings: step.firings, late: step.firings });
          const result = await store.claim(until, wanted);
          expect(result.claims.length).toBeLessThanOrEqual(step.firings);
          claimed.push(...result.claims.map(({ firing }) => firing));
          more = result.more;
        }
        expect(sorted(claimed)).toEqual(sorted(model.claim(until)));
      } else {
        await Promise.all(calls);
        await store.close();
        model.crash(now);
        store = await place.open(clock, { statusKeepSeconds: keep });
      }
      if (step.do === 'claim' || step.do === 'parked') {
        await Promise.all(calls);
        calls = [];
        await expectSame(store, model);
      }
    }
    await Promise.all(calls);
    await expectSame(store, model);
  } finally {
    await Promise.allSettled(calls);
    await store.close();
  }
}

const pastOf = (firedCount: number | undefined): PlanPast | undefined =>
  firedCount === undefined
    ? undefined
    : {
        createdTime: addSeconds(T0, -1e6),
        lastFireTime: addSeconds(T0, -400),
        firedCount,
        status: -1,
      };

async function expectSame(store: Store, model: Model): Promise<void> {
  expect(store.planCount()).toBe(model.plans.size);
  const byBytes = [...model.plans.keys()].sort((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  expect(await store.keys('', 100)).toEqual(byBytes);
  for (const key of keys) expect(await store.get(key)).toEqual(model.plans.get(key));
  for (const prefix of ['', 'a']) {
    const failures = model.failures.filter(({ key }) => key.startsWith(prefix));
    expect(await failuresOf(store, prefix)).toEqual(failures);
  }
  const due = [...model.plans.values()]
    .flatMap(({ key, nextFireTime }) => (nextFireTime === undefined ? [] : [{ key, nextFireTime }]))
    .sort(
      (a, b) => a.nextFireTime - b.nextFireTime || byBytes.indexOf(a.key) - byBytes.indexOf(b.key),
    );
  expect(await agendaOf(store)).toMatchObject(due);
}

/** All of them, read in pages of two, without the numbers that the store gives them. */
async function failuresOf(store: Store, prefix: string): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  for (let before: number | undefined; ;) {
    const page = await store.failures(prefix, 2, before);
    failures.push(...page.map(({ number: _number, ...failure }) => failure));
    const last = page.at(-1);
    if (page.length < 2 || last === undefined) return failures;
    before = last.number;
  }
}

/** All of it, read in pages of two. */
async function agendaOf(store: Store): Promise<readonly Plan[]> {
  const plans: Plan[] = [];
  for (let after: AgendaPlace | undefined; ;) {
    const page = await store.agenda(addSeconds(T0, -1e6), addSeconds(T0, 1e6), 2, after);
    plans.push(...page);
    const last = page.at(-1);
    if (page.length < 2 || last?.nextFireTime === undefined) return plans;
    after = { fireTime: last.nextFireTime, key: last.key };
  }
}

/** Whatever is done to a store, in whatever order, it holds what the plainest model of it holds. */
export function describeStoreModel(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(name, () => {
    test('holds what its model holds, whatever is done in whatever order', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 1, maxLength: 40 }),
          fc.constantFrom(0, 20),
          async (steps, keep) => {
            const place = await makePlace();
            try {
              await run(place, steps, keep);
            } finally {
              await place.destroy();
            }
          },
        ),
        { numRuns: 60 },
      );
    }, 120_000);
  });
}
