import { z } from 'zod';

import { badArgument, quote } from '../core/errors.ts';
import type { Params } from '../core/plan.ts';

/** What is said of a param, in refusals and in the documentation. */
export interface ParamFacts {
  /** Ends the sentence "expected …". */
  readonly expected: string;
  /** True: its value is never shown. */
  readonly isSecret?: boolean;
}

/** The facts of every param of every action, by its schema. */
export const paramFacts = z.registry<ParamFacts>();

/** Text without NUL, which no process, header or URL can carry. */
export const text = z.string().refine((value) => !value.includes('\0'));

/** A number of seconds written as one, above 0 and at most `max`. */
export const seconds = (max: number) =>
  z
    .string()
    .regex(/^\d{1,9}(\.\d{1,9})?$/)
    .transform(Number)
    .refine((value) => value > 0 && value <= max);

/** A whole number between the two, written in digits. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/)
    .transform(Number)
    .refine((value) => value >= min && value <= max);

/** A name or an address, without brackets and port. */
export const hostName = z.string().regex(/^[\w.:-]{1,255}$/);

export const portNumber = wholeNumber(1, 65_535);

/** The params by which plans of several actions name their server; what a setting may give is absent. */
export const serverParams = (byDefault: { readonly port: number }) => ({
  host: hostName
    .default('127.0.0.1')
    .register(paramFacts, { expected: 'a host name or an IP address; default: 127.0.0.1' }),
  port: portNumber
    .default(byDefault.port)
    .register(paramFacts, { expected: `a port, 1 to 65535; default: ${byDefault.port}` }),
  max_connections: wholeNumber(1, MAX_CONNECTIONS)
    .optional()
    .register(paramFacts, {
      expected: `runs at the server at once, 1 to ${MAX_CONNECTIONS}; default: a setting`,
    }),
});

/** The most a plan may ask for. */
const MAX_CONNECTIONS = 1_024;

/**
 * The params that an action's schema names, checked: bad_argument names the first bad one. Others are
 * ignored, as clients send params of their own; an empty value counts as absent, as clients send those too.
 */
export function readParams<S extends z.ZodObject>(
  action: string,
  schema: S,
  params: Params,
): z.output<S> {
  const given: Record<string, string> = {};
  for (const name in schema.shape) {
    const value = params.get(name);
    if (value !== undefined && value !== '') given[name] = value;
  }
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const name = String(result.error.issues[0]?.path[0]);
  const facts = factsOf(schema.shape[name]);
  throw badParam(action, name, given[name], facts);
}

/** A refusal of one param; a secret's value is not shown. */
export function badParam(
  action: string,
  name: string,
  value: string | undefined,
  { expected, isSecret = false }: ParamFacts,
) {
  const came =
    value === undefined ? 'is missing' : isSecret ? 'cannot be used' : `is ${quote(value)}`;
  return badArgument(`the param ${name} of the action ${action} ${came}; expected ${expected}`);
}

function factsOf(schema: unknown): ParamFacts {
  const facts = schema instanceof z.ZodType ? paramFacts.get(schema) : undefined;
  if (facts === undefined) throw new TypeError('a param has no facts');
  return facts;
}
