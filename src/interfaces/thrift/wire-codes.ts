import type { ErrorCode } from '../../core/errors.ts';

/** Published numbers: clients compare them, so they never change meaning. */
export const wireCodes = {
  unknown: 1001,
  never_fires: 1002,
  plan_not_found: 1003,
  plan_not_stored: 1004,
  plan_not_removed: 1005,
  unknown_action: 1006,
  bad_argument: 1007,
  plan_exists: 1008,
  too_many_unfinished: 1009,
  not_allowed: 1010,
} as const satisfies Record<ErrorCode, number>;
