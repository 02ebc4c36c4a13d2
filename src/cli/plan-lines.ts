import type { Plan } from '../client/plan.ts';

/**
 * An export, a JSON document a line: first {"forsun_plans":1}, which tells the version, then the plans, last
 * {"forsun_plans":"end"}. What an absent name would say is left out. docs/moving.md.
 */
export type PlanLine =
  { readonly kind: 'begin' | 'end' } | { readonly kind: 'plan'; readonly plan: Plan };

const version = 1;
const mark = 'forsun_plans';

export const beginLine = `${JSON.stringify({ [mark]: version })}\n`;
export const endLine = `${JSON.stringify({ [mark]: 'end' })}\n`;

/** The line is none of an export; the message says why. */
export class BadPlanLine extends Error {
  override readonly name = 'BadPlanLine';
}

/** Numbers of a plan, by their names in a line. */
const numbers = {
  second: 'second',
  minute: 'minute',
  hour: 'hour',
  day: 'day',
  month: 'month',
  week: 'week',
  year: 'year',
  count: 'count',
  fired_count: 'firedCount',
  status: 'status',
  next_fire_time: 'nextFireTime',
  last_fire_time: 'lastFireTime',
  created_time: 'createdTime',
  unfinished: 'unfinished',
  unfinished_time: 'unfinishedTime',
} as const satisfies Readonly<Record<string, keyof Plan>>;

const names = new Set(['key', 'kind', 'action', 'params', 'timezone', ...Object.keys(numbers)]);

/** The line of a plan, with its newline. */
export function planLine(plan: Plan): string {
  const document: Record<string, unknown> = { key: plan.key, kind: plan.kind };
  for (const [name, field] of Object.entries(numbers)) document[name] = plan[field];
  const { timezone, action, params } = plan;
  return `${JSON.stringify({ ...document, timezone, action, params: paramsDocument(params) })}\n`;
}

/** An object, or a list of pairs where an object would change their order: names that are numbers go first. */
function paramsDocument(params: Plan['params']): object {
  for (const name of params.keys()) if (/^\d+$/.test(name)) return [...params];
  return Object.fromEntries(params);
}

/** Throws BadPlanLine. */
export function readPlanLine(text: string): PlanLine {
  const document = documentOf(text);
  if (mark in document) {
    if (document[mark] === version) return { kind: 'begin' };
    if (document[mark] === 'end') return { kind: 'end' };
    const came = JSON.stringify(document[mark]);
    throw new BadPlanLine(`it is of version ${came}, this forsun reads version ${version}`);
  }
  for (const name of Object.keys(document)) {
    if (!names.has(name)) throw new BadPlanLine(`no field is called ${JSON.stringify(name)}`);
  }
  return { kind: 'plan', plan: planOf(document) };
}

type Document = Readonly<Record<string, unknown>>;

function documentOf(text: string): Document {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new BadPlanLine('it is no JSON');
  }
  if (typeof document === 'object' && document !== null && !Array.isArray(document)) {
    return document as Document;
  }
  throw new BadPlanLine('it is no JSON object');
}

function planOf(document: Document): Plan {
  const { kind, params, timezone } = document;
  if (kind !== 'interval' && kind !== 'calendar') {
    throw new BadPlanLine(`kind is ${JSON.stringify(kind)}, expected "interval" or "calendar"`);
  }
  const whole: { [F in (typeof numbers)[keyof typeof numbers]]?: number } = {};
  for (const [name, field] of Object.entries(numbers)) {
    const value = document[name];
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value)) throw new BadPlanLine(`${name} is no whole number`);
    whole[field] = value as number;
  }
  return {
    ...{ count: 0, firedCount: 0, status: 0 },
    ...whole,
    ...{ kind, key: textOf('key', document['key']), action: textOf('action', document['action']) },
    params: paramsOf(params),
    ...(timezone === undefined ? {} : { timezone: textOf('timezone', timezone) }),
  };
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new BadPlanLine(value === undefined ? `it has no ${name}` : `${name} is no text`);
}

function paramsOf(value: unknown): ReadonlyMap<string, string> {
  if (typeof value !== 'object' || value === null) {
    throw new BadPlanLine('params is no object, and no list of pairs');
  }
  const pairs: readonly unknown[] = Array.isArray(value) ? value : Object.entries(value);
  return new Map(pairs.map(pairOf));
}

function pairOf(pair: unknown): readonly [string, string] {
  const [name, value, ...rest] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
  if (typeof name === 'string' && typeof value === 'string' && rest.length === 0) {
    return [name, value];
  }
  throw new BadPlanLine('a param is no pair of texts');
}
