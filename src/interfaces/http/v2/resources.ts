import { z } from 'zod';

import type { ListedFailure } from '../../../core/failure.ts';
import { fireId } from '../../../core/firing.ts';
import { runningCount } from '../../../core/plan.ts';
import type { UnixSeconds } from '../../../core/time.ts';
import type { TriggeredFiring } from '../../../scheduler/plan-service.ts';
import type { ShownPlan } from '../../access/shown.ts';
import { nextPage } from './page.ts';
import { paramsAndPolicy, policy } from './plan-body.ts';
import { showSchedule, shownSchedule } from './schedule.ts';
import { shownEpoch, shownTime, showTime } from './times.ts';

const unfinishedFiring = z.strictObject({
  fire_id: z.string().describe('The same on every attempt; the action hands it on'),
  fire_time: shownTime,
  fire_time_epoch: shownEpoch,
  attempt: z.int().min(1),
  state: z.enum(['in_flight', 'waiting', 'parked']),
});

export const planResource = z.strictObject({
  key: z.string(),
  schedule: shownSchedule,
  action: z.string(),
  params: z.record(z.string(), z.string()),
  policy,
  status: z.enum(['none', 'done', 'failed']).describe('How the last ended attempt went'),
  fired_count: z.int().min(0),
  created_time: shownTime,
  created_time_epoch: shownEpoch,
  next_fire_time: shownTime.nullable().describe('null: no further due time comes'),
  next_fire_time_epoch: shownEpoch.nullable(),
  last_fire_time: shownTime.nullable().describe('Of the newest firing; null: none yet'),
  last_fire_time_epoch: shownEpoch.nullable(),
  running: z.int().min(0).describe('Firings that run, or are queued for their target'),
  unfinished: z.array(unfinishedFiring).describe('Firings that have not ended'),
});
export type PlanResource = z.output<typeof planResource>;

export const planPage = z.strictObject({ plans: z.array(planResource), ...nextPage });

const statusNames = { 0: 'none', 1: 'done', [-1]: 'failed' } as const;

export function showPlan(plan: ShownPlan): PlanResource {
  const { key, generation, nextFireTime, lastFireTime } = plan;
  return {
    key,
    schedule: showSchedule(plan.schedule, plan.count),
    action: plan.action,
    ...paramsAndPolicy(plan),
    status: statusNames[plan.status],
    fired_count: plan.firedCount,
    created_time: showTime(plan.createdTime),
    created_time_epoch: plan.createdTime,
    next_fire_time: timeOrNull(nextFireTime),
    next_fire_time_epoch: nextFireTime ?? null,
    last_fire_time: timeOrNull(lastFireTime),
    last_fire_time_epoch: lastFireTime ?? null,
    running: runningCount(plan),
    unfinished: plan.unfinished.map((firing) => ({
      fire_id: fireId({ key, generation, ...firing }),
      fire_time: showTime(firing.fireTime),
      fire_time_epoch: firing.fireTime,
      attempt: firing.attempt,
      state: firing.state.kind,
    })),
  };
}

const timeOrNull = (time: UnixSeconds | undefined): string | null =>
  time === undefined ? null : showTime(time);

export const triggeredResource = z.strictObject({
  fire_id: z.string().describe('What the action hands on as the id of this firing'),
  fire_time: shownTime,
  fire_time_epoch: shownEpoch,
});

export const showTriggered = ({
  fireId,
  fireTime,
}: TriggeredFiring): z.output<typeof triggeredResource> => ({
  fire_id: fireId,
  fire_time: showTime(fireTime),
  fire_time_epoch: fireTime,
});

export const failureResource = z.strictObject({
  key: z.string(),
  action: z.string(),
  fire_id: z.string().describe('Ends in :t and a number when the firing was triggered'),
  fire_time: shownTime.describe('The due time that it was for, or when it was triggered'),
  fire_time_epoch: shownEpoch,
  attempts: z.int().min(1),
  failed_at: shownTime,
  failed_at_epoch: shownEpoch,
  reason: z.string(),
});

export const failurePage = z.strictObject({ failures: z.array(failureResource), ...nextPage });

export const infoResource = z.record(z.string(), z.string());

export const showFailure = (failure: ListedFailure): z.output<typeof failureResource> => ({
  key: failure.key,
  action: failure.action,
  fire_id: fireId(failure),
  fire_time: showTime(failure.fireTime),
  fire_time_epoch: failure.fireTime,
  attempts: failure.attempts,
  failed_at: showTime(failure.failedAt),
  failed_at_epoch: failure.failedAt,
  reason: failure.reason,
});
