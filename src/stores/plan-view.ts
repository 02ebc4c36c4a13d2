import type { StoredPlan } from './stored-plan.ts';

/** The plans that a change reads, and what it makes of them: it sees what an earlier one of its group did. */
export interface PlanView {
  /** Throws UnreadableRecord. */
  plan(key: string): StoredPlan | undefined;
  /** There is a record under the key, and it cannot be read. */
  isUnreadable(key: string): boolean;
  /** The plan is now so, or gone. */
  set(key: string, plan: StoredPlan | undefined): void;
}
