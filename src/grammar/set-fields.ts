import { neverFires, quote } from '../core/errors.ts';
import type { FieldValues } from '../core/schedule.ts';

/** When a `set` line fires, as its six fields say. */
export type SetFields =
  | { readonly kind: 'interval'; readonly fields: FieldValues; readonly count: number }
  | { readonly kind: 'calendar'; readonly fields: FieldValues }
  | { readonly kind: 'cron'; readonly expression: string };

export const fieldNames = ['second', 'minute', 'hour', 'day', 'month', 'week'] as const;

/** Six fields as typed: second minute hour day month week. */
export type FieldTexts = readonly [string, string, string, string, string, string];

// Reads the six fields. A list, range, step or name in any of them makes all six one cron expression. Else
// a leading */N or */N/C anywhere makes an interval, in which every other field counts 0 and the last C (1
// when there is none) is the count. Else each is * or a number of the calendar. Refuses with never_fires,
// naming the field; whether a number is in its range is the server's to say.
export function parseFields(texts: FieldTexts): SetFields {
  const parsed = fieldNames.map((name, index) => parseField(name, texts[index] ?? ''));
  if (parsed.some(({ kind }) => kind === 'cron')) return cronOf(parsed);
  return parsed.some(({ kind }) => kind === 'every') ? intervalOf(parsed) : calendarOf(parsed);
}

type FieldName = (typeof fieldNames)[number];

type Field = { readonly name: FieldName; readonly text: string } & (
  | { readonly kind: 'any' }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'every'; readonly value: number; readonly count?: number }
  | { readonly kind: 'cron' }
);

function parseField(name: FieldName, text: string): Field {
  if (text === '*' || text === '-1') return { name, text: '*', kind: 'any' };
  if (/^\d+$/.test(text)) return { name, text, kind: 'number', value: wireNumber(name, text) };

  const every = /^\*\/(\d+)(?:\/(\d+))?$/.exec(text);
  if (every?.[1] !== undefined) {
    const value = wireNumber(name, every[1]);
    const count =
      every[2] === undefined ? {} : { count: wireNumber(`the count in ${name}`, every[2]) };
    return { name, text, kind: 'every', value, ...count };
  }

  if (cronField.test(text)) return { name, text, kind: 'cron' };
  throw neverFires(`${name} is *, a number, */N, */N/COUNT or a cron field, not ${quote(text)}`);
}

const cronName = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat';
const cronValue = `(?:\\d+|${cronName})`;
const cronItem = `(?:[*?]|L|${cronValue}(?:L|#\\d+|-${cronValue})?)(?:/\\d+)?`;
const cronField = new RegExp(`^${cronItem}(?:,${cronItem})*$`, 'i');

/** What a field can carry to the server: 16 bits, which a larger number would wrap around in. */
function wireNumber(what: string, digits: string): number {
  const value = Number(digits);
  if (value <= 32_767) return value;
  throw neverFires(`${what} is at most 32767, not ${quote(digits)}; use a larger unit`);
}

function cronOf(fields: readonly Field[]): SetFields {
  for (const { name, text, ...field } of fields) {
    if (field.kind === 'every' && field.count !== undefined) {
      throw neverFires(`${name} ${quote(text)} has a count, and a cron expression cannot count`);
    }
  }
  return { kind: 'cron', expression: fields.map(({ text }) => text).join(' ') };
}

function intervalOf(fields: readonly Field[]): SetFields {
  const values: { -readonly [name in FieldName]?: number } = {};
  let count = 1;
  for (const field of fields) {
    values[field.name] = field.kind === 'every' ? field.value : 0;
    if (field.kind === 'every') count = field.count ?? count;
  }
  return { kind: 'interval', fields: values, count };
}

function calendarOf(fields: readonly Field[]): SetFields {
  const values: { -readonly [name in FieldName]?: number } = {};
  for (const field of fields) if (field.kind === 'number') values[field.name] = field.value;
  return { kind: 'calendar', fields: values };
}
