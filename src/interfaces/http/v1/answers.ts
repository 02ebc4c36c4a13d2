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
  return objectText([
    ['key', asciiJson(plan.key)],
    ['second', String(fields.second ?? unset)],
    ['minute', String(fields.minute ?? unset)],
    ['hour', String(fields.hour ?? unset)],
    ['day', String(fields.day ?? unset)],
    ['month', String(fields.month ?? unset)],
    ['week', String(fields.week ?? unset)],
    ['status', String(plan.status)],
    ['count', String(plan.count)],
    ['is_time_out', String(schedule.kind === 'interval')],
    ['next_time', String(plan.nextFireTime ?? null)],
    ['current_count', String(plan.firedCount)],
    ['last_timeout', String(plan.lastFireTime ?? 0)],
    ['created_time', `${plan.createdTime}.0`],
    ['action', asciiJson(plan.action)],
    ['params', textsText(plan.params)],
  ]);
}

/** An object of texts, in the order of the map. */
export const textsText = (texts: ReadonlyMap<string, string>): string =>
  objectText([...texts].map(([name, value]) => [name, asciiJson(value)]));

export const objectText = (members: readonly (readonly [name: string, text: string])[]): string =>
  `{${members.map(([name, text]) => `${asciiJson(name)}:${text}`).join(',')}}`;

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
