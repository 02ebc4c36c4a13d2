import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { badArgument, quote } from '../../../core/errors.ts';
import { permit } from '../bearer.ts';
import { type Json, JsonError, parseJson } from '../json.ts';
import { queryParts } from '../query.ts';
import { HttpRefusal } from '../refusal.ts';
import { type Asked, type Operation, triggerSuffix } from './operation.ts';
import { readJson, readQuery } from './read.ts';

export const jsonType = 'application/json';

/** A body as it came: what it says is for its operation to find out. */
export function readBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser<Buffer>(jsonType, { parseAs: 'buffer' }, ({ headers }, body, done) => {
    const coding = headers['content-encoding'];
    if (coding !== undefined && coding !== 'identity') done(compressed(coding));
    else if (isUtf8(body)) done(null, body.toString());
    else done(new HttpRefusal(400, 'the body is no UTF-8'));
  });
  scope.addContentTypeParser('*', ({ headers }, _payload, done) => done(wrongType(headers)));
}

/** What a request asks of an operation; refuses what is no request for it, or not this caller's. */
export function askedOf(request: FastifyRequest, operation: Operation): Asked {
  const { caller, headers } = request;
  const { query, body, role } = operation;
  const key = keyOf(request, operation);
  permit({ caller }, { role, ...(key !== '' && { key }) });
  refuseConditions(headers, operation);
  return {
    key,
    query: readQuery(query ?? nothing, queryOf(request)),
    body: body === undefined ? noBody(request) : readJson(body, jsonOf(request)),
    caller,
    header: (name) => headers[name]?.toString(),
  };
}

const nothing = z.strictObject({}, 'an empty object, or no body');

/** The key in the path; empty when the path has no place for one. */
function keyOf({ params, url, method }: FastifyRequest, { path }: Operation): string {
  // The router takes it for the end of the path: the key a#b would be that of another plan.
  if (url.includes('#')) throw new HttpRefusal(400, 'a # in a path or query is written %23');
  const { key } = params as { readonly key?: string };
  if (key === '') throw new HttpRefusal(404, 'the path ends where a key was expected');
  return key !== undefined && path.endsWith(triggerSuffix)
    ? withoutTrigger(key, method)
    : (key ?? '');
}

/** The key of a plan may end in :trigger itself; what is posted to has one more. */
function withoutTrigger(key: string, method: string): string {
  if (key.endsWith(triggerSuffix) && key !== triggerSuffix) {
    return key.slice(0, -triggerSuffix.length);
  }
  const allow = 'DELETE, GET, HEAD, PUT';
  throw new HttpRefusal(405, `there is no ${method} here, expected ${allow}`, { allow });
}

const conditions = ['if-match', 'if-none-match', 'if-unmodified-since'];

/** A condition that would not be looked at is refused: whoever states it relies on it. */
function refuseConditions(given: IncomingHttpHeaders, { method, headers = {} }: Operation): void {
  if (method === 'GET') return;
  const held = Object.keys(headers).map((name) => name.toLowerCase());
  const other = conditions.find((name) => name in given && !held.includes(name));
  if (other === undefined) return;
  throw new HttpRefusal(412, `${other} came, which cannot be held here; expected none`);
}

function queryOf({ url }: FastifyRequest): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of queryParts(url)) {
    if (query.has(name)) throw badArgument(`the query has ${quote(name)} twice, expected it once`);
    query.set(name, value);
  }
  return query;
}

/** Where no body is expected, {} is as good as none, for some clients send nothing less. */
const noBody = (request: FastifyRequest) =>
  request.body === undefined || request.body === '' ? {} : readJson(nothing, jsonOf(request));

function jsonOf({ body, headers }: FastifyRequest): Json {
  if (typeof body !== 'string') throw wrongType(headers);
  try {
    return parseJson(body);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new HttpRefusal(400, `the body cannot be read: ${cause.message}`, {}, { cause });
  }
}

const wrongType = ({ 'content-type': type }: IncomingHttpHeaders): HttpRefusal =>
  new HttpRefusal(415, `Content-Type is ${quote(type ?? '')}, expected ${jsonType}`);

const compressed = (coding: string): HttpRefusal =>
  new HttpRefusal(415, `Content-Encoding is ${quote(coding)}, expected none`);
