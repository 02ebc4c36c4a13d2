import { badArgument, quote } from '../core/errors.ts';
import type { Params, PlanRequest } from '../core/plan.ts';
import { hasParam, pairsIn, paramsOf } from './params-text.ts';
import { parseFields, type SetFields } from './set-fields.ts';
import { tokenText, type Token } from './tokens.ts';

export const setUsage = 'KEY SECOND MINUTE HOUR DAY MONTH WEEK ACTION PARAMS';

/** The param that carries a cron expression; the six fields are then unset. */
export const cronParam = 'forsun.cron';

/**
 * The plan a `set` command asks for, given what stands behind the word `set`: key, six fields, action, and
 * params as one text (`'k=v;k2=v2'`) or as bare pairs (`k=v k2='v 2'`). Refuses with a ForsunError.
 */
export function parseSetArguments(args: readonly Token[]): PlanRequest {
  const [key, fields, alias, params] = split(args);
  const action = alias === 'sh' || alias === 'bash' ? 'shell' : alias;
  const request = planRequest(key, fields, action, commandLineParams(action, params));
  return request.kind === 'interval' ? withoutWeekZero(request) : request;
}

/** The plan of a line of a crontab body: the same nine words, but none of the command line's shortcuts. */
export function parseCrontabLine(tokens: readonly Token[]): PlanRequest {
  const [key, fields, action, params] = split(tokens);
  return planRequest(key, fields, action, plainParams(params));
}

function split(
  args: readonly Token[],
): readonly [key: string, fields: SetFields, action: string, params: readonly Token[]] {
  const [key, second, minute, hour, day, month, week, action] = args.slice(0, 8).map(tokenText);
  const params = args.slice(8);
  if (
    key === undefined ||
    second === undefined ||
    minute === undefined ||
    hour === undefined ||
    day === undefined ||
    month === undefined ||
    week === undefined ||
    action === undefined ||
    params.length === 0
  ) {
    throw badArgument(`a plan is ${setUsage}: nine words, not ${String(args.length)}`);
  }
  return [key, parseFields([second, minute, hour, day, month, week]), action, params];
}

function planRequest(key: string, fields: SetFields, action: string, params: Params): PlanRequest {
  if (fields.kind !== 'cron') {
    const count = fields.kind === 'interval' ? fields.count : 0;
    return { kind: fields.kind, key, fields: fields.fields, count, action, params };
  }
  if (params.has(cronParam)) {
    throw badArgument(`the fields ${quote(fields.expression)} and ${cronParam} both say when`);
  }
  return {
    kind: 'calendar',
    key,
    fields: {},
    count: 0,
    action,
    params: new Map([[cronParam, fields.expression], ...params]),
  };
}

/** A person may write the command or the address alone, with nothing beside it but policies. */
function commandLineParams(action: string, tokens: readonly Token[]): Params {
  const [first, ...policies] = tokens;
  const bare = first === undefined ? undefined : bareParam(action, first);
  if (bare === undefined || !policies.every(isPolicy)) return plainParams(tokens);
  return new Map([bare, ...plainParams(policies)]);
}

function bareParam(action: string, token: Token): [name: string, value: string] | undefined {
  const text = tokenText(token);
  if (action === 'shell' && token.kind === 'word' && !hasParam(text, 'cmd')) return ['cmd', text];
  const isAddress = token.kind === 'word' ? !hasParam(text, 'url') : /^https?:/i.test(text);
  return action === 'http' && isAddress ? ['url', text] : undefined;
}

const isPolicy = (token: Token): boolean =>
  token.kind === 'pair' && token.name.startsWith('forsun.');

/** Texts of params, and pairs that stand alone, in any number. */
const plainParams = (tokens: readonly Token[]): Params =>
  paramsOf(tokens.flatMap((token) => (token.kind === 'pair' ? [token] : pairsIn(token.text))));

function withoutWeekZero(request: PlanRequest): PlanRequest {
  const { week, ...fields } = request.fields;
  return week === 0 ? { ...request, fields } : request;
}
