import type { Plan } from '../../core/plan.ts';
import { withoutSecrets } from '../../core/secret-params.ts';
import type { Caller } from './caller.ts';

declare const shown: unique symbol;

/** A plan as its caller may see it: what a door writes. */
export type ShownPlan = Plan & { readonly [shown]: true };

/** With its secret params hidden from a caller that may not see them. */
export const shownTo = ({ seesSecrets }: Pick<Caller, 'seesSecrets'>, plan: Plan): ShownPlan =>
  (seesSecrets ? plan : { ...plan, params: withoutSecrets(plan.params) }) as ShownPlan;
