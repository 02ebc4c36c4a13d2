import { tooManyUnfinished } from '../core/errors.ts';
import type { Firing, FiringName, UnfinishedFiring, UnfinishedState } from '../core/firing.ts';
import type { PlanDraft, PlanPast, PlanStatus } from '../core/plan.ts';
import type { Policy } from '../core/policy.ts';
import { addSeconds, type UnixSeconds } from '../core/time.ts';
import type { Settlement } from './store.ts';
import { planAt, type StoredPlan, withLife } from './stored-plan.ts';

/** What a plan becomes; undefined when it has ended and nothing of it is kept. */
export type Outcome = StoredPlan | undefined;

/** When an ended plan is gone, if it is kept at all. */
export interface Ending {
  readonly now: UnixSeconds;
  readonly statusKeepSeconds: number;
}

/**
 * The plan as it is put: one that begins now, unless it has a past elsewhere. Every field by itself: a
 * spread of some costs more than all else of a put.
 */
export const begun = (
  { key, schedule, count, action, params }: PlanDraft,
  generation: number,
  now: UnixSeconds,
  nextFireTime: UnixSeconds,
  past?: PlanPast,
): StoredPlan =>
  planAt(
    { key, schedule, count, action, params, generation, createdTime: past?.createdTime ?? now },
    {
      nextFireTime,
      lastFireTime: past?.lastFireTime,
      expires: undefined,
      firedCount: past?.firedCount ?? 0,
      triggers: undefined,
      status: past?.status ?? 0,
      unfinished: [],
    },
  );

/** The plan after its due time: fired for `fire`, if that is given; `next` is its next due time. */
export function advanced(
  plan: StoredPlan,
  { fire, next }: { readonly fire?: UnixSeconds; readonly next?: UnixSeconds },
  ending: Ending,
): Outcome {
  if (fire === undefined) return ended(withLife(plan, { nextFireTime: next }), ending);
  return withLife(plan, {
    nextFireTime: next,
    lastFireTime: fire,
    firedCount: plan.firedCount + 1,
    unfinished: [...plan.unfinished, firstAttempt(fire)],
  });
}

/**
 * The plan with one firing more, which is triggered now and waits to be claimed; all else of it stays, but
 * one that had ended has not any more. Refused while the plan has as many unfinished ones as it may.
 */
export function triggered(
  plan: StoredPlan,
  { maxUnfinished }: Pick<Policy, 'maxUnfinished'>,
  now: UnixSeconds,
): { readonly plan: StoredPlan; readonly firing: Firing } {
  const { triggers = 0, unfinished } = plan;
  if (unfinished.length >= maxUnfinished) throw tooManyUnfinished(plan.key, maxUnfinished);
  const trigger = triggers + 1;
  const firing = { ...firstAttempt(now), trigger, state: { kind: 'waiting', until: now } } as const;
  const life = { triggers: trigger, expires: undefined, unfinished: [...unfinished, firing] };
  return { plan: withLife(plan, life), firing: firingOf(plan, firing) };
}

const inFlight: UnfinishedState = { kind: 'in_flight' };

const firstAttempt = (fireTime: UnixSeconds): UnfinishedFiring => ({
  fireTime,
  attempt: 1,
  failures: 0,
  crashes: 0,
  state: inFlight,
});

/** The plan once that firing of it is in flight again. */
export const resumed = (plan: StoredPlan, firing: UnfinishedFiring): StoredPlan =>
  withLife(plan, { unfinished: replaced(plan, firing, { ...firing, state: inFlight }) });

/** The plan once the firing that was in flight has ended so. */
export function settled(
  plan: StoredPlan,
  firing: UnfinishedFiring,
  settlement: Settlement,
  ending: Ending,
): Outcome {
  switch (settlement.kind) {
    case 'done':
      return finished(plan, firing, 1, ending);
    case 'failed':
      return finished(plan, firing, -1, ending);
    case 'retry':
      return withLife(plan, {
        status: -1,
        unfinished: replaced(plan, firing, {
          ...firing,
          attempt: firing.attempt + 1,
          failures: firing.failures + 1,
          state: { kind: 'waiting', until: settlement.until },
        }),
      });
    case 'released':
      return released(plan, firing, ending.now);
    case 'parked':
      return withLife(plan, {
        unfinished: replaced(plan, firing, {
          ...firing,
          state: { kind: 'parked', origin: settlement.origin },
        }),
      });
    default:
      return settlement satisfies never;
  }
}

/** The plan once that firing of it, never started, is due again at once, its attempt kept. */
export const released = (
  plan: StoredPlan,
  firing: UnfinishedFiring,
  now: UnixSeconds,
): StoredPlan =>
  withLife(plan, {
    unfinished: replaced(plan, firing, { ...firing, state: { kind: 'waiting', until: now } }),
  });

/** The plan once the process died with that firing in flight; due again then. */
export const crashed = (
  plan: StoredPlan,
  firing: UnfinishedFiring,
  until: UnixSeconds,
): StoredPlan =>
  withLife(plan, {
    unfinished: replaced(plan, firing, {
      ...firing,
      attempt: firing.attempt + 1,
      crashes: firing.crashes + 1,
      state: { kind: 'waiting', until },
    }),
  });

/** The plan without that firing, which has ended with that status. */
export function finished(
  plan: StoredPlan,
  firing: UnfinishedFiring,
  status: PlanStatus,
  ending: Ending,
): Outcome {
  const unfinished = plan.unfinished.filter((other) => other !== firing);
  return ended(withLife(plan, { status, unfinished }), ending);
}

/** As it is while it has something to come; else gone, or kept for its status. */
function ended(plan: StoredPlan, { now, statusKeepSeconds }: Ending): Outcome {
  if (plan.nextFireTime !== undefined || plan.unfinished.length > 0) return plan;
  if (statusKeepSeconds === 0) return undefined;
  return withLife(plan, { expires: addSeconds(now, statusKeepSeconds) });
}

const replaced = (
  plan: StoredPlan,
  firing: UnfinishedFiring,
  by: UnfinishedFiring,
): readonly UnfinishedFiring[] => plan.unfinished.map((other) => (other === firing ? by : other));

/** The firing of that name, if it is in that state. */
export const unfinishedAt = (
  plan: StoredPlan,
  { fireTime, trigger }: FiringName,
  kind: UnfinishedState['kind'],
): UnfinishedFiring | undefined =>
  plan.unfinished.find(
    (firing) =>
      firing.fireTime === fireTime && firing.trigger === trigger && firing.state.kind === kind,
  );

/** As a dispatcher gets it. */
export function firingOf({ key, generation }: StoredPlan, unfinished: UnfinishedFiring): Firing {
  const { fireTime, trigger, attempt, failures, crashes } = unfinished;
  const firing = { key, generation, fireTime, attempt, failures, crashes };
  return trigger === undefined ? firing : { ...firing, trigger };
}
