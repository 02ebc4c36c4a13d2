import type { Schedule } from '../core/schedule.ts';
import type { UnixSeconds } from '../core/time.ts';
import type { StoredPlan } from './stored-plan.ts';

const noSchedule: Schedule = { kind: 'interval', everySeconds: 0, fields: {} };

/** What is said of a plan that was removed unread: that it failed, and no more than its key is known. */
export const unreadPlan = (key: string, generation: number, now: UnixSeconds): StoredPlan => ({
  ...{ key, generation, schedule: noSchedule, count: 0, action: '', params: new Map() },
  ...{ createdTime: now, firedCount: 0, status: -1, unfinished: [] },
});
