import type { PlanDraft } from '../../src/core/plan.ts';
import { unixSeconds } from '../../src/core/time.ts';

export const T0 = unixSeconds(1_700_000_000);

/** A plan that fires every five seconds for ever, unless told otherwise. */
export const aDraft = (overrides: Partial<PlanDraft> = {}): PlanDraft => ({
  key: 'backup',
  schedule: { kind: 'interval', everySeconds: 5, fields: { second: 5 } },
  count: 0,
  action: 'shell',
  params: new Map([['cmd', 'true']]),
  ...overrides,
});
