import type { Plan } from '../client/plan.ts';
import { formatSetLine } from '../grammar/set-line-format.ts';
import { writeList, type ListWriter } from './list-output.ts';
import { formatLocalTime } from './local-time.ts';
import { jsonText, type Paint, printable } from './output.ts';

/** A plan for people: its next fire time, or `-`, and the line that `set` would make it from. */
export function planLine(plan: Plan, paint: Paint): string {
  const time = plan.nextFireTime === undefined ? '-' : formatLocalTime(plan.nextFireTime);
  const line = formatSetLine({
    kind: plan.kind,
    key: plan.key,
    fields: plan,
    count: plan.count,
    action: plan.action,
    params: plan.params,
  });
  return `${paint('time', time)} ${printable(line)}\n`;
}

/** A plan for programs: every name always there, null for what is unset or unknown; docs/cli.md. */
export const planJson = (plan: Plan): object => ({
  key: plan.key,
  kind: plan.kind,
  second: plan.second ?? null,
  minute: plan.minute ?? null,
  hour: plan.hour ?? null,
  day: plan.day ?? null,
  month: plan.month ?? null,
  week: plan.week ?? null,
  count: plan.count,
  fired_count: plan.firedCount,
  status: plan.status,
  action: plan.action,
  params: Object.fromEntries(plan.params),
  next_fire_time: plan.nextFireTime ?? null,
  last_fire_time: plan.lastFireTime ?? null,
  created_time: plan.createdTime ?? null,
  running: plan.running ?? null,
});

export async function writePlan(plan: Plan, { output, json }: ListWriter): Promise<void> {
  await output.write(json ? `${jsonText(planJson(plan))}\n` : planLine(plan, output.paint));
}

/** Plans as they come: a line each, or one JSON array with a plan a line. */
export const writePlans = (
  plans: AsyncIterable<Plan> | Iterable<Plan>,
  writer: ListWriter,
): Promise<void> => writeList(plans, { line: planLine, json: planJson }, writer);
