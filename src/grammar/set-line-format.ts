import type { PlanRequest } from '../core/plan.ts';
import { canBeFormatted, formatParams } from './params-text.ts';
import { canBeQuoted, enquote, formatWord, isPlain } from './quoting.ts';
import { fieldNames, parseFields } from './set-fields.ts';
import { cronParam } from './set-line.ts';

/**
 * The plan as people read and type it: `key 0 32 16 * * * shell "cmd='ls -l'"`. Behind the word `set` it makes
 * the same plan again, when canBeTyped.
 */
export function formatSetLine(request: PlanRequest): string {
  const expression = sixFields(request);
  const params = new Map(request.params);
  if (expression !== undefined) params.delete(cronParam);
  const fields = expression ?? fieldNames.map((name) => formatField(request, name)).join(' ');
  return `${formatWord(request.key)} ${fields} ${formatWord(request.action)} ${enquote(formatParams(params), '"')}`;
}

/** Whether the quoting rules can say this plan; what they cannot say is listed in tokens.ts. */
export function canBeTyped(request: PlanRequest): boolean {
  const hasCron = request.params.has(cronParam);
  return (
    [request.key, request.action].every((text) => isPlain(text) || canBeQuoted(text)) &&
    request.params.size > (hasCron ? 1 : 0) &&
    canBeFormatted(request.params) &&
    (!hasCron || sixFields(request) !== undefined)
  );
}

function formatField(request: PlanRequest, name: (typeof fieldNames)[number]): string {
  const value = request.fields[name];
  if (request.kind === 'calendar') return value === undefined || value < 0 ? '*' : String(value);
  const isAtOnce = fieldNames.every((other) => (request.fields[other] ?? 0) <= 0);
  if (isAtOnce && name === 'second') return `*/0/${request.count}`;
  return value === undefined || value <= 0 ? '*' : `*/${value}/${request.count}`;
}

/** The plan's cron expression, if it can stand where the fields do; five fields fire at second 0. */
function sixFields(request: PlanRequest): string | undefined {
  const words = request.params.get(cronParam)?.split(' ') ?? [];
  const [second, minute, hour, day, month, week] = words.length === 5 ? ['0', ...words] : words;
  if (
    words.length > 6 ||
    second === undefined ||
    minute === undefined ||
    hour === undefined ||
    day === undefined ||
    month === undefined ||
    week === undefined
  ) {
    return undefined;
  }
  try {
    const isCron = parseFields([second, minute, hour, day, month, week]).kind === 'cron';
    return isCron ? [second, minute, hour, day, month, week].join(' ') : undefined;
  } catch {
    return undefined; // not an expression that `set` knows: shown as the param it is
  }
}
