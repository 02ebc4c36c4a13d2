export { ForsunClient } from './client/forsun-client.ts';
export type {
  CalendarPlan,
  ForsunClientOptions,
  IntervalPlan,
  RestoreOptions,
} from './client/forsun-client.ts';
export { ForsunConnectionError, ForsunPlanError, ForsunServerError } from './client/errors.ts';
export type { ConnectionTrouble } from './client/errors.ts';
export type { ClientTls } from './client/dial.ts';
export type { Failure } from './client/failure.ts';
export type { Plan } from './client/plan.ts';
