import type { UnfinishedFiring } from './firing.ts';
import type { FieldValues, Schedule } from './schedule.ts';
import type { UnixSeconds } from './time.ts';

/** Names and values exactly as the client sent them, in its order; `forsun.` names are policies. */
export type Params = ReadonlyMap<string, string>;

/** What a door asks for, fields unjudged; core/plan-request.ts turns it into a draft or refuses it. */
export interface PlanRequest {
  readonly kind: 'interval' | 'calendar';
  /** Empty: the server makes one, unique and sortable by time. */
  readonly key: string;
  readonly fields: FieldValues;
  /** Of a calendar plan with all fields from second to month: the year of its one moment; absent: this year. */
  readonly year?: number;
  /** Firings of an interval plan, 0 for ever. A calendar plan has no limit: always 0. */
  readonly count: number;
  readonly action: string;
  readonly params: Params;
}

/** A checked plan that has no place in a store yet. */
export interface PlanDraft {
  readonly key: string;
  readonly schedule: Schedule;
  /** Firings to make before the plan ends; 0 for ever. */
  readonly count: number;
  readonly action: string;
  readonly params: Params;
}

/** How the last ended attempt went: 0 none has ended yet, 1 done, -1 failed. */
export type PlanStatus = 0 | 1 | -1;

/** What a plan has behind it; it goes along when a plan moves to another store. */
export interface PlanPast {
  readonly createdTime: UnixSeconds;
  /** The due time of the newest firing. */
  readonly lastFireTime?: UnixSeconds;
  readonly firedCount: number;
  readonly status: PlanStatus;
}

/** A plan as the store keeps it. */
export interface Plan extends PlanDraft, PlanPast {
  /** Of all puts of all keys, never used twice: what belongs to an older one is void. */
  readonly generation: number;
  /** The due time on the agenda; absent when no further one comes. */
  readonly nextFireTime?: UnixSeconds;
  readonly unfinished: readonly UnfinishedFiring[];
}

/** The agenda is in order of due times, those of one second in byte order of their plans' keys. */
export interface AgendaPlace {
  readonly fireTime: UnixSeconds;
  readonly key: string;
}

/** Firings claimed and not ended: queued for their target, or running. */
export const runningCount = (plan: Plan): number =>
  plan.unfinished.reduce((sum, { state }) => sum + (state.kind === 'in_flight' ? 1 : 0), 0);
