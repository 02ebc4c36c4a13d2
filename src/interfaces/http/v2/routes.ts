import type { FastifyInstance, FastifyReply } from 'fastify';

import { quote } from '../../../core/errors.ts';
import { Complaints } from '../../complaints.ts';
import { countRefusal } from '../../count-refusal.ts';
import { permit } from '../bearer.ts';
import type { Routes } from '../door.ts';
import { addWithOtherMethods } from '../other-methods.ts';
import { HttpRefusal, problemType } from '../refusal.ts';
import { askedOf, jsonType, readBodies } from './asked.ts';
import { listOperations } from './lists.ts';
import { openApi } from './openapi.ts';
import { type Operation, triggerSuffix } from './operation.ts';
import { planOperations } from './plan-operations.ts';
import { refused, type Refused } from './problem.ts';

/** The bridge of resources and status codes; /v2/openapi.json says what there is. */
export const v2Routes =
  (bounds: { readonly replyBytes: number }): Routes =>
  (server, door) => {
    void server.register(
      async (scope) => {
        const complaints = new Complaints(door.log, door.clock);
        const note: NoteRefusal = ({ code, isInternal }, error, method, route) => {
          if (code !== undefined) countRefusal(door.counters, code);
          if (isInternal) complaints.error('http_request_failed', { method, route }, error);
        };
        readBodies(scope);
        answerErrors(scope, note);
        const operations = [
          ...planOperations({
            plans: door.plans,
            onRefused: (refusal, error) => note(refusal, error, 'POST', '/v2/plans:batch'),
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

/** Counts what was refused, and logs it when it is a bug. */
type NoteRefusal = (
  refusal: Refused,
  error: unknown,
  method: string,
  route: string | undefined,
) => void;

function addOperation(routes: FastifyInstance, operation: Operation): void {
  routes.route({
    method: operation.method,
    url: pattern(operation.path),
    handler: async (request, reply) => {
      const { status, body, headers = {} } = await operation.run(askedOf(request, operation));
      void reply.code(status).headers(headers);
      return body === undefined ? reply.send() : reply.type(jsonType).send(JSON.stringify(body));
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

/** The path as the router reads it, where :: is a colon; a key is read up to its end. */
const pattern = (path: string): string =>
  path.replace(`{key}${triggerSuffix}`, '{key}').replace(':', '::').replace('{key}', ':key');

function answerErrors(scope: FastifyInstance, note: NoteRefusal): void {
  scope.setNotFoundHandler((request, reply) => {
    const hint = request.url.startsWith('/v2/plans/') ? '; a / in a key is written %2F' : '';
    refuse(new HttpRefusal(404, `there is no ${quote(request.url)} here${hint}`), reply);
  });

  scope.setErrorHandler((error, request, reply) => {
    note(refuse(error, reply), error, request.method, request.routeOptions.url);
  });
}

function refuse(error: unknown, reply: FastifyReply): Refused {
  const refusal = refused(error);
  const { problem, headers } = refusal;
  void reply.code(problem.status).headers(headers).type(problemType).send(JSON.stringify(problem));
  return refusal;
}
