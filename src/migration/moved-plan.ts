import type { Plan } from '../client/plan.ts';
import { newestFireTime, nextFireTime } from '../core/schedule.ts';
import type { UnixSeconds } from '../core/time.ts';
import type { OriginalPlan } from './original-plan.ts';
import { type MovedSchedule, scheduleOf } from './moved-schedule.ts';
import type { SourceZone } from './source-zone.ts';

/** What becomes of a plan of the original. */
export type Moved =
  | {
      readonly kind: 'plan';
      readonly plan: Plan & { readonly nextFireTime: UnixSeconds };
      /** Its due time was past when the move began. */
      readonly isOverdue: boolean;
    }
  /** It is kept for its status alone. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'left out'; readonly key: string; readonly dueTime: UnixSeconds };

export interface MoveRules {
  readonly zone: SourceZone;
  /** When the move began; what is due before is overdue. */
  readonly now: UnixSeconds;
  /** fire: it goes with its due time; skip: with the next one, or not at all when there is none. */
  readonly overdue: 'fire' | 'skip';
}

/** The plan as this server has it; throws BadOriginal when it cannot have it so. */
export function movedPlanOf(original: OriginalPlan, { zone, now, overdue }: MoveRules): Moved {
  const { key, count, nextTime } = original;
  const firedCount = isRetry(original) ? 0 : original.firedCount;
  if (nextTime === undefined || (count > 0 && firedCount >= count)) return { kind: 'ended' };
  const dueTime = zone.trueTime(nextTime);
  const schedule = scheduleOf(original, dueTime);
  const isOverdue = dueTime < now;
  const isSkipped = isOverdue && overdue === 'skip';
  const nextFireTime = isSkipped ? nextBehind(schedule, original, dueTime, now) : dueTime;
  if (nextFireTime === undefined) return { kind: 'left out', key, dueTime };
  const time = (stored: number | undefined): UnixSeconds | undefined =>
    stored === undefined ? undefined : zone.trueTime(stored);
  const lastFireTime = time(original.lastTimeout);
  const createdTime = time(original.createdTime);
  const { kind, fields } = schedule;
  const { action, params } = original;
  const plan = {
    ...{ key, kind, ...fields, count: kind === 'interval' ? count : 0, firedCount, status: 0 },
    ...{ action, params, nextFireTime },
    ...(kind === 'interval' ? {} : { timezone: schedule.zone }),
    ...(kind === 'interval' || schedule.year === undefined ? {} : { year: schedule.year }),
    ...(lastFireTime === undefined ? {} : { lastFireTime }),
    ...(createdTime === undefined ? {} : { createdTime }),
  };
  return { kind: 'plan', isOverdue, plan };
}

/** What the original makes of a run that is to be repeated: it fires once, and counts attempts as firings. */
const isRetry = ({ key }: OriginalPlan): boolean => key.includes('_:_retry');

/** The first due time that is not past; what was to fire once has none. */
function nextBehind(
  schedule: MovedSchedule,
  { count }: OriginalPlan,
  dueTime: UnixSeconds,
  now: UnixSeconds,
): UnixSeconds | undefined {
  if (schedule.kind === 'interval' && count === 1) return undefined;
  return nextFireTime(schedule, newestFireTime(schedule, dueTime, now));
}
