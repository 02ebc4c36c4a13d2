import { badArgument } from '../../../core/errors.ts';
import type { FieldValues } from '../../../core/schedule.ts';
import type { ShownPlan } from '../../access/shown.ts';
import { asciiJson } from '../json.ts';

/** What forsun writes for a field that is not set. */
const unset = -1;

export const okText = (data: string): string => `{"errcode":0,"errmsg":"","data":${data}}`;

export const errorText = (code: number, message: string): string =>
  `{"errcode":${code},"errmsg":${asciiJson(message)},"data":{}}`;

/** A plan as forsun writes it: its keys, in its order, and a float where Python has one. */
export function planText(plan: ShownPlan): string {
  const { schedule } = plan;
  const fields: FieldValues = schedule.kind === 'cron' ? {} : schedule.fields;
  return (
    `{"key":${asciiJson(plan.key)},` +
    `"second":${fields.second ?? unset},` +
    `"minute":${fields.minute ?? unset},` +
    `"hour":${fields.hour ?? unset},` +
    `"day":${fields.day ?? unset},` +
    `"month":${fields.month ?? unset},` +
    `"week":${fields.week ?? unset},` +
    `"status":${plan.status},` +
    `"count":${plan.count},` +
    `"is_time_out":${schedule.kind === 'interval'},` +
    `"next_time":${plan.nextFireTime ?? null},` +
    `"current_count":${plan.firedCount},` +
    `"last_timeout":${plan.lastFireTime ?? 0},` +
    `"created_time":${plan.createdTime}.0,` +
    `"action":${asciiJson(plan.action)},` +
    `"params":${textsText(plan.params)}}`
  );
}

/** An object of texts, in the order of the map. */
export const textsText = (texts: ReadonlyMap<string, string>): string =>
  `{${[...texts].map(([name, value]) => `${asciiJson(name)}:${asciiJson(value)}`).join(',')}}`;

/** An array of what is ASCII; bad_argument when it is longer than that, with a hint what to ask instead. */
export function arrayText<T>(
  items: readonly T[],
  itemText: (item: T) => string,
  most: { readonly bytes: number; readonly hint: string },
): string {
  const texts: string[] = [];
  let bytes = 1;
  for (const item of items) {
    const text = itemText(item);
    bytes += text.length + 1;
    if (bytes > most.bytes) {
      throw badArgument(`the list is longer than ${most.bytes} bytes: ${most.hint}`);
    }
    texts.push(text);
  }
  return `[${texts.join(',')}]`;
}
