import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { z } from 'zod';

import { badArgument, quote } from '../../../core/errors.ts';
import { Complaints } from '../../complaints.ts';
import type { Routes } from '../door.ts';
import { type Json, JsonError, parseJson } from '../json.ts';
import { addWithOtherMethods } from '../other-methods.ts';
import { queryParts } from '../query.ts';
import { HttpRefusal, problemType } from '../refusal.ts';
import { listOperations } from './lists.ts';
import { openApi } from './openapi.ts';
import { type Operation, permit } from './operation.ts';
import { planOperations } from './plan-operations.ts';
import { refused, type Refused } from './problem.ts';
import { readJson, readQuery } from './read.ts';

/** The bridge of resources and status codes; /v2/openapi.json says what there is. */
export const v2Routes =
  (bounds: { readonly replyBytes: number }): Routes =>
  (server, door) => {
    void server.register(
      async (scope) => {
        const complaints = new Complaints(door.log, door.clock);
        const complain = (method: string, route: string | undefined, error: unknown): void =>
          complaints.error('http_request_failed', { method, route }, error);
        readBodies(scope);
        answerErrors(scope, complain);
        const operations = [
          ...planOperations({
            plans: door.plans,
            onInternalError: (error) => complain('POST', '/v2/plans:batch', error),
          }),
          ...listOperations(door, bounds),
        ];
        addWithOtherMethods(scope, (routes) => {
          for (const operation of operations) addOperation(routes, operation);
          addDocument(routes, operations);
        });
      },
      { prefix: '/v2' },
    );
  };

const triggerSuffix = ':trigger';
const jsonType = 'application/json';

function addOperation(routes: FastifyInstance, operation: Operation): void {
  const { method, path, query, body } = operation;
  const ofTrigger = path.endsWith(`}${triggerSuffix}`);
  routes.route({
    method,
    url: pattern(ofTrigger ? path.slice(0, -triggerSuffix.length) : path),
    handler: async (request, reply) => {
      const key = keyOf(request);
      refuseConditions(request, operation);
      const answer = await operation.run({
        key: ofTrigger ? withoutTrigger(key, request) : key,
        query: query === undefined ? noQuery(request) : readQuery(query, queryOf(request)),
        body: body === undefined ? noBody(request) : readJson(body, jsonOf(request)),
        caller: request.caller,
        header: (name) => request.headers[name]?.toString(),
      });
      void reply.code(answer.status).headers(answer.headers ?? {});
      return answer.body === undefined
        ? reply.send()
        : reply.type(jsonType).send(jsonText(answer.body));
    },
  });
}

function addDocument(routes: FastifyInstance, operations: readonly Operation[]): void {
  const document = JSON.stringify(openApi(operations));
  routes.get('/openapi.json', async (request, reply) => {
    permit(request, { role: 'read' });
    return reply.type(jsonType).send(document);
  });
}

/** The path as the router reads it, where :: is a colon. */
const pattern = (path: string): string => path.replace(':', '::').replace('{key}', ':key');

function keyOf({ params }: FastifyRequest): string {
  const { key } = params as { readonly key?: string };
  if (key === '') throw new HttpRefusal(404, 'the path ends where a key was expected');
  return key ?? '';
}

/** The key of a plan may end in :trigger itself; what is posted to has one more. */
function withoutTrigger(key: string, { method }: FastifyRequest): string {
  if (key.endsWith(triggerSuffix) && key !== triggerSuffix) {
    return key.slice(0, -triggerSuffix.length);
  }
  const allow = 'DELETE, GET, HEAD, PUT';
  throw new HttpRefusal(405, `there is no ${method} here, expected ${allow}`, { allow });
}

/** A condition that would not be looked at is refused: whoever states it relies on it. */
function refuseConditions({ headers }: FastifyRequest, operation: Operation): void {
  if (operation.method === 'GET') return;
  const held = Object.keys(operation.headers ?? {}).map((name) => name.toLowerCase());
  const given = conditions.find((name) => name in headers && !held.includes(name));
  if (given === undefined) return;
  throw new HttpRefusal(412, `${given} came, which cannot be held here; expected none`);
}

const conditions = ['if-match', 'if-none-match', 'if-unmodified-since'];

function queryOf({ url }: FastifyRequest): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of queryParts(url)) {
    if (query.has(name)) throw badArgument(`the query has ${quote(name)} twice, expected it once`);
    query.set(name, value);
  }
  return query;
}

const nothing = z.strictObject({});
const noQuery = (request: FastifyRequest) => readQuery(nothing, queryOf(request));

/** Where no body is expected, {} is as good as none, for some clients send nothing less. */
const noBody = (request: FastifyRequest) =>
  request.body === undefined || request.body === '' ? {} : readJson(nothing, jsonOf(request));

/** A body as it came: what it says is for its route to find out. */
function readBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser<Buffer>(jsonType, { parseAs: 'buffer' }, (_request, body, done) => {
    if (isUtf8(body)) done(null, body.toString());
    else done(new HttpRefusal(400, 'the body is no UTF-8'));
  });
  scope.addContentTypeParser('*', ({ headers }, _payload, done) => done(wrongType(headers)));
}

const wrongType = ({ 'content-type': type }: IncomingHttpHeaders): HttpRefusal =>
  new HttpRefusal(415, `Content-Type is ${quote(type ?? '')}, expected ${jsonType}`);

function jsonOf({ body, headers }: FastifyRequest): Json {
  if (typeof body !== 'string') throw wrongType(headers);
  try {
    return parseJson(body);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new HttpRefusal(400, `the body cannot be read: ${cause.message}`, {}, { cause });
  }
}

const jsonText = (body: unknown): string =>
  JSON.stringify(body, (_name, value: unknown) =>
    value instanceof Map ? Object.fromEntries<unknown>(value) : value,
  );

function answerErrors(
  scope: FastifyInstance,
  complain: (method: string, route: string | undefined, error: unknown) => void,
): void {
  scope.setNotFoundHandler((request, reply) => {
    const hint = request.url.startsWith('/v2/plans/') ? '; a / in a key is written %2F' : '';
    refuse(new HttpRefusal(404, `there is no ${quote(request.url)} here${hint}`), reply);
  });

  scope.setErrorHandler((error, request, reply) => {
    if (refuse(error, reply).isInternal) complain(request.method, request.routeOptions.url, error);
  });
}

function refuse(error: unknown, reply: FastifyReply): Refused {
  const refusal = refused(error);
  const { problem, headers } = refusal;
  void reply.code(problem.status).headers(headers).type(problemType).send(JSON.stringify(problem));
  return refusal;
}
