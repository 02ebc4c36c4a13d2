import { badArgument, ForsunError, quote } from '../../../core/errors.ts';
import type { Params, PlanRequest } from '../../../core/plan.ts';
import type { FieldValues } from '../../../core/schedule.ts';
import { parseCrontabLine } from '../../../grammar/set-line.ts';
import { tokenize } from '../../../grammar/tokens.ts';
import { isArray, isObject, type Json, type JsonObject, kindOf } from '../json.ts';

type Kind = PlanRequest['kind'];

/** So many plans may come in one body: their answer must not be too long to send once they are made. */
const maxPlans = 10_000;

/** Words and params of all lines of a crontab body: as many as JSON may have values. */
const maxWords = 262_144;

/**
 * The plans that a JSON body asks for: one, of the kind that the verb says, or several, each of the kind
 * that its `method` says. Refuses with bad_argument, naming the field, what is not of its type.
 */
export function jsonRequests(body: Json, kindOfVerb: Kind): readonly PlanRequest[] {
  if (isObject(body)) return [planRequest(body, kindOfVerb)];
  if (!isArray(body)) {
    throw badArgument(`the body is ${kindOf(body)}, expected an object or an array of them`);
  }
  if (body.length > maxPlans) throw tooMany('plans', maxPlans);
  return someOf(body).map((item, index) =>
    named(index, () => {
      if (isObject(item)) return planRequest(item, kindOfMethod(item));
      throw badArgument(`it is ${kindOf(item)}, expected an object`);
    }),
  );
}

/** The plans of a crontab body, one a line; empty lines are passed over. */
export function crontabRequests(body: string): readonly PlanRequest[] {
  const plans: PlanRequest[] = [];
  let words = 0;
  for (const [line] of body.matchAll(/[^ \t\r\n][^\n]*/g)) {
    if (plans.length === maxPlans) throw tooMany('plans', maxPlans);
    const { plan, wordCount } = named(plans.length, () => crontabPlan(line));
    plans.push(plan);
    words += wordCount;
    if (words > maxWords) throw tooMany('words and params', maxWords);
  }
  return someOf(plans);
}

function crontabPlan(line: string): { readonly plan: PlanRequest; readonly wordCount: number } {
  const [command = [], ...others] = tokenize(line, { pairs: false, maxTokens: maxWords });
  if (others.length > 0) {
    throw badArgument('a ; stands outside quotes, expected one plan a line');
  }
  const plan = parseCrontabLine(command);
  return { plan, wordCount: command.length + plan.params.size };
}

function someOf<T>(plans: readonly T[]): readonly T[] {
  if (plans.length === 0) throw new ForsunError('unknown', 'no plan came, expected one or more');
  return plans;
}

const tooMany = (what: string, most: number): ForsunError =>
  badArgument(`more than ${most} ${what} came in one body, expected no more`);

/** Says of which plan a refusal is, counted from 1. */
function named<T>(index: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ForsunError)) throw error;
    throw new ForsunError(error.code, `plan ${index + 1}: ${error.message}`, { cause: error });
  }
}

function kindOfMethod(item: JsonObject): Kind {
  const method = item.get('method') ?? 'createTimeout';
  if (method === 'create') return 'calendar';
  if (method === 'createTimeout') return 'interval';
  throw badArgument(`method is ${shown(method)}, expected "create" or "createTimeout"`);
}

function planRequest(item: JsonObject, kind: Kind): PlanRequest {
  const count = wholeNumber(item, 'count') ?? 0;
  return {
    kind,
    key: text(item, 'key') ?? '',
    fields: fieldsOf(item),
    count: kind === 'interval' ? count : 0,
    action: text(item, 'action') ?? 'shell',
    params: paramsOf(item.get('params')),
  };
}

const otherFields = ['minute', 'hour', 'day', 'month', 'week'] as const;

function fieldsOf(item: JsonObject): FieldValues {
  // forsun reads seconds and answers second: whoever sends back what came sends the latter.
  if (item.has('second') && item.has('seconds')) {
    throw badArgument('second and seconds are both given, expected one of them');
  }
  const fields: { -readonly [Name in keyof FieldValues]: number } = {};
  const second = fieldOf(item, item.has('second') ? 'second' : 'seconds');
  if (second !== undefined) fields.second = second;
  for (const name of otherFields) {
    const value = fieldOf(item, name);
    if (value !== undefined) fields[name] = value;
  }
  return fields;
}

/** -1 is what forsun writes for a field that is not set. */
function fieldOf(item: JsonObject, name: string): number | undefined {
  const value = wholeNumber(item, name);
  return value === -1 ? undefined : value;
}

function wholeNumber(item: JsonObject, name: string): number | undefined {
  const value = item.get(name);
  if (value === undefined || (typeof value === 'number' && Number.isInteger(value))) return value;
  throw badArgument(`${name} is ${shown(value)}, expected a whole number`);
}

function text(item: JsonObject, name: string): string | undefined {
  const value = item.get(name);
  if (value === undefined || typeof value === 'string') return value;
  throw badArgument(`${name} is ${shown(value)}, expected a text`);
}

function paramsOf(params: Json | undefined): Params {
  const texts = new Map<string, string>();
  if (params === undefined) return texts;
  if (!isObject(params)) throw badArgument(`params is ${kindOf(params)}, expected an object`);
  for (const [name, value] of params) {
    if (typeof value !== 'string') {
      throw badArgument(`the param ${quote(name)} is ${kindOf(value)}, expected a text`);
    }
    texts.set(name, value);
  }
  return texts;
}

/** A value as a refusal shows it; what may be long only by its kind. */
function shown(value: Json): string {
  if (typeof value === 'string') return quote(value, 64);
  return typeof value === 'number' ? String(value) : kindOf(value);
}
