/** What `forsun/extension` exports; docs/extensions.md teaches it. */
export type {
  Extension,
  ExtensionHost,
  ExtensionSettings,
  OpenStore,
  OpenStoreOptions,
} from './extensions/extension.ts';

// For any extension.
export { badArgument, type ErrorCode, ForsunError, planNotStored, quote } from './core/errors.ts';
export type { Log, LogFields } from './core/log.ts';
export type { Params } from './core/plan.ts';
export { addSeconds, type Cancel, type Clock, type UnixSeconds, unixSeconds } from './core/time.ts';

// For an action.
export type { Action, Outcome, PreparedAction, Run } from './actions/action.ts';
export { type Connection, type ConnectionLimits, Connections } from './actions/connections.ts';
export { ConnectTimeout, type Dial, type DialOptions } from './actions/dial.ts';
export { EgressRefused } from './actions/egress.ts';
export { connectionLost, noAnswer, refused, transportReason } from './actions/no-answer.ts';
export {
  badParam,
  type ParamFacts,
  paramFacts,
  readParams,
  seconds,
  serverParams,
  text,
  wholeNumber,
} from './actions/param-schema.ts';
export { z } from 'zod';

// For a store: its contract, and what every store makes of a plan.
export { planExists } from './core/errors.ts';
export { type Failure, failureOf, type ListedFailure } from './core/failure.ts';
export type { Firing, FiringName, UnfinishedFiring, UnfinishedState } from './core/firing.ts';
export { type Advance, advance } from './core/misfire.ts';
export type { AgendaPlace, Plan, PlanDraft, PlanPast, PlanStatus } from './core/plan.ts';
export { type Policy, policyOf } from './core/policy.ts';
export type { Schedule } from './core/schedule.ts';
export type { Counters } from './metrics/counters.ts';
export { type AfterCrash, afterCrash } from './stores/crash.ts';
export {
  advanced,
  begun,
  type Ending,
  firingOf,
  resumed,
  settled,
  triggered,
  unfinishedAt,
} from './stores/life.ts';
export { decodeRecord, encodeRecord, UnreadableRecord } from './stores/record.ts';
export type {
  Claim,
  ClaimResult,
  ClaimRoom,
  PutOptions,
  Recovery,
  Settlement,
  Store,
} from './stores/store.ts';
export type { StoredPlan } from './stores/stored-plan.ts';
