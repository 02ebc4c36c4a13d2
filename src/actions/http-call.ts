import { z } from 'zod';

import type { Params } from '../core/plan.ts';
import { firingHeaderNames } from './firing-headers.ts';
import type { Credentials } from './http-auth.ts';
import {
  badParam,
  paramFacts,
  type ParamFacts,
  readParams,
  seconds,
  text,
} from './param-schema.ts';

/** One HTTP request as a plan wants it, checked. */
export interface HttpCall {
  /** Without credentials and fragment. */
  readonly url: URL;
  readonly method: string;
  /** By lower-case name; values as bytes in latin1, as they go out. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  readonly credentials?: Credentials;
  readonly connectTimeoutSeconds: number;
  readonly requestTimeoutSeconds: number;
}

export interface HttpCallDefaults {
  readonly userAgent: string;
  readonly connectTimeoutSeconds: number;
  readonly requestTimeoutSeconds: number;
}

/** No request_timeout is longer. */
export const MAX_REQUEST_SECONDS = 86_400;

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'];

const url = z
  .string()
  .transform((value, context) => {
    try {
      return new URL(value);
    } catch {
      context.addIssue('no URL');
      return z.NEVER;
    }
  })
  .refine(isWeb);

const method = z
  .string()
  .transform((value) => value.toUpperCase())
  .refine((value) => METHODS.includes(value));

export const httpParams = z.object({
  url: url.register(paramFacts, { expected: 'an http:// or https:// URL', isSecret: true }),
  method: method.default('GET').register(paramFacts, {
    expected: `one of ${METHODS.join(', ')}, in any case; default: GET`,
  }),
  body: z.string().default('').register(paramFacts, { expected: 'text', isSecret: true }),
  auth_username: text.optional().register(paramFacts, {
    expected: 'a user name; for basic auth one without ":"',
    isSecret: true,
  }),
  auth_password: z.string().default('').register(paramFacts, {
    expected: 'a password',
    isSecret: true,
  }),
  auth_mode: z
    .string()
    .transform((value) => value.toLowerCase())
    .pipe(z.enum(['basic', 'digest']))
    .default('basic')
    .register(paramFacts, { expected: 'basic or digest; default: basic' }),
  user_agent: z.string().refine(isHeaderValue).optional().register(paramFacts, {
    expected: 'text without control characters; default: a setting',
  }),
  connect_timeout: seconds(MAX_REQUEST_SECONDS)
    .optional()
    .register(paramFacts, {
      expected: `seconds for the name and the connection, above 0 and at most ${MAX_REQUEST_SECONDS}; default: a setting`,
    }),
  request_timeout: seconds(MAX_REQUEST_SECONDS)
    .optional()
    .register(paramFacts, {
      expected: `seconds for all of it, redirects included, above 0 and at most ${MAX_REQUEST_SECONDS}; default: a setting`,
    }),
});

export const headerFacts: ParamFacts = {
  expected:
    'header_<name>=<value> with a header name and text without control characters; ' +
    'not Expect, TE, Trailer, Transfer-Encoding or Upgrade',
  isSecret: true,
};

/** Written by the server itself; harmless, and often copied along from a browser or a firing: left out. */
const OUR_HEADERS = new Set([
  ...firingHeaderNames.map((name) => name.toLowerCase()),
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'http2-settings',
]);

/** They would change how the message is read. */
const REFUSED_HEADERS = new Set(['expect', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** Reads a plan's params; bad_argument names the first bad one. */
export function httpCallOf(params: Params, defaults: HttpCallDefaults): HttpCall {
  const given = readParams('http', httpParams, params);
  const credentials = credentialsOf(given);
  const requestTimeoutSeconds = given.request_timeout ?? defaults.requestTimeoutSeconds;
  const headers = headersOf(params);
  if (given.user_agent !== undefined) headers.set('user-agent', asBytes(given.user_agent));
  if (!headers.has('user-agent')) headers.set('user-agent', asBytes(defaults.userAgent));
  if (given.method === 'POST' && !headers.has('content-type')) {
    headers.set('content-type', 'application/x-www-form-urlencoded');
  }
  return {
    url: bare(given.url),
    method: given.method,
    headers,
    body: given.body,
    ...(credentials === undefined ? {} : { credentials }),
    connectTimeoutSeconds: Math.min(
      given.connect_timeout ?? defaults.connectTimeoutSeconds,
      requestTimeoutSeconds,
    ),
    requestTimeoutSeconds,
  };
}

export function isWeb({ protocol }: URL): boolean {
  return protocol === 'http:' || protocol === 'https:';
}

/** The URL itself, without what must neither be sent as part of it nor shown. */
export function bare(given: URL): URL {
  if (given.username === '' && given.password === '' && given.hash === '') return given;
  const bareUrl = new URL(given);
  bareUrl.username = '';
  bareUrl.password = '';
  bareUrl.hash = '';
  return bareUrl;
}

function headersOf(params: Params): Map<string, string> {
  const headers = new Map<string, string>();
  for (const [param, value] of params) {
    if (!param.startsWith('header_')) continue;
    const name = param.slice('header_'.length).toLowerCase();
    if (
      !/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) ||
      !isHeaderValue(value) ||
      REFUSED_HEADERS.has(name) ||
      (name === 'host' && !isHost(value.trim()))
    ) {
      throw badParam('http', param, value, headerFacts);
    }
    if (!OUR_HEADERS.has(name)) headers.set(name, asBytes(value.trim()));
  }
  return headers;
}

/** A URL's own credentials come before the params, as in forsun. */
function credentialsOf(given: z.output<typeof httpParams>): Credentials | undefined {
  const { auth_mode: mode, auth_username: named, auth_password: password } = given;
  const inUrl = given.url.username !== '' || given.url.password !== '';
  if (!inUrl && named === undefined) return undefined;
  const username = inUrl ? decoded(given.url.username) : (named ?? '');
  // Basic ends the name at ":", digest sends it as a part of a header.
  if (mode === 'basic' ? username.includes(':') : !isHeaderValue(username)) {
    const param = inUrl ? 'url' : 'auth_username';
    throw badParam('http', param, username, {
      expected:
        mode === 'basic'
          ? 'a user name without ":" (or auth_mode=digest)'
          : 'a user name without control characters',
      isSecret: true,
    });
  }
  return { mode, username, password: inUrl ? decoded(given.url.password) : password };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a lone % is meant as it stands
  }
}

/** A host, perhaps with a port, and nothing else of a URL. */
const isHost = (value: string): boolean =>
  /^[\w.\-:[\]]+$/.test(value) && URL.canParse(`http://${value}`);

function isHeaderValue(value: string): boolean {
  return !/[\0-\x08\x0a-\x1f\x7f]/.test(value);
}

/** UTF-8, one character a byte: how a header value is handed to the wire. */
const asBytes = (value: string): string => Buffer.from(value, 'utf8').toString('latin1');
