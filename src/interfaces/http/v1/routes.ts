import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { badArgument, type ErrorCode, ForsunError, quote } from '../../../core/errors.ts';
import type { PlanRequest } from '../../../core/plan.ts';
import { unixSeconds } from '../../../core/time.ts';
import { shownTo } from '../../access/shown.ts';
import { Complaints } from '../../complaints.ts';
import { countRefusal } from '../../count-refusal.ts';
import { literalPrefix } from '../../thrift/mapping.ts';
import { wireCodes } from '../../thrift/wire-codes.ts';
import { permit } from '../bearer.ts';
import type { HttpDoor, Routes } from '../door.ts';
import { answerWith, type RefusalForm } from '../forms.ts';
import { asciiJson, JsonError, parseJson } from '../json.ts';
import { addWithOtherMethods } from '../other-methods.ts';
import { queryParts } from '../query.ts';
import { HttpRefusal, refusalOf } from '../refusal.ts';
import { arrayText, errorText, okText, planText, textsText } from './answers.ts';
import { crontabRequests, jsonRequests } from './plan-requests.ts';

/**
 * forsun's own HTTP bridge: whatever is handled is answered with status 200, and says in `errcode` how it
 * went. What is no such request is refused with a status of its own, in the same form.
 */
export const v1Routes =
  ({ replyBytes }: { readonly replyBytes: number }): Routes =>
  (server, door) => {
    void server.register(
      async (scope) => {
        readBodies(scope);
        door.forms.set('/v1', form);
        answerErrors(scope, door);
        addWithOtherMethods(scope, (routes) => addRoutes(routes, door, replyBytes));
      },
      { prefix: '/v1' },
    );
  };

function addRoutes(server: FastifyInstance, { plans, info, clock }: HttpDoor, bytes: number): void {
  const get = (path: string, answer: (request: FastifyRequest) => Promise<string>): void => {
    server.get(path, async (request, reply) => ok(reply, await answer(request)));
  };

  get('/ping', async () => '{}');

  get('/plan', async (request) => {
    const key = keyOf(request);
    permit(request, { role: 'read', key });
    return planText(shownTo(request.caller, await plans.get(key)));
  });

  server.delete('/plan', async (request, reply) => {
    const key = keyOf(request);
    permit(request, { role: 'write', key });
    return ok(reply, planText(shownTo(request.caller, await plans.remove(key))));
  });

  const create = async (
    request: FastifyRequest,
    kind: PlanRequest['kind'],
  ): Promise<readonly string[]> => {
    const requests = requestsOf(request, kind);
    for (const { key, action } of requests) permit(request, { role: 'write', key, action });
    return (await plans.createAll(requests)).map((plan) => planText(shownTo(request.caller, plan)));
  };
  server.post('/plan', async (request, reply) =>
    ok(reply, oneOrAll(await create(request, 'calendar'))),
  );
  server.put('/plan', async (request, reply) =>
    ok(reply, oneOrAll(await create(request, 'interval'))),
  );

  get('/time', async (request) => {
    permit(request, { role: 'read', prefix: '' });
    const now = clock.now();
    const due = await plans.dueAt(unixSeconds(timestampOf(request) ?? now));
    const shown = due.map((plan) => shownTo(request.caller, plan));
    const most = { bytes, hint: 'list keys by prefix' };
    return `{"plans":${arrayText(shown, planText, most)},"current_timestamp":${now}}`;
  });

  get('/keys', async (request) => {
    const prefix = literalPrefix(queryOf(request.url).get('prefix') ?? '');
    permit(request, { role: 'read', prefix });
    return arrayText(await plans.keys(prefix), asciiJson, { bytes, hint: 'narrow the prefix' });
  });

  get('/info', async (request) => {
    permit(request, { role: 'read' });
    return textsText(info());
  });
}

const jsonType = 'application/json';
const crontabType = 'application/crontab';

/** A body as it came: what it says is for its route to find out, and to refuse. */
function readBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  for (const type of [jsonType, crontabType]) {
    scope.addContentTypeParser<Buffer>(type, { parseAs: 'buffer' }, (_request, body, done) => {
      const isText = isUtf8(body);
      done(isText ? null : new HttpRefusal(400, 'the body is no UTF-8'), body.toString());
    });
  }
  scope.addContentTypeParser('*', ({ headers }, _payload, done) => done(wrongType(headers)));
}

function requestsOf(request: FastifyRequest, kind: PlanRequest['kind']): readonly PlanRequest[] {
  const { body } = request;
  if (typeof body !== 'string') throw wrongType(request.headers);
  if (request.headers['content-type']?.toLowerCase().startsWith(crontabType)) {
    return orRefused(() => crontabRequests(body));
  }
  return jsonRequests(
    orRefused(() => parseJson(body)),
    kind,
  );
}

/** What is no JSON or no crontab is refused as a request, as forsun does, not as a plan. */
function orRefused<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const isNothing = cause instanceof ForsunError && cause.code === 'unknown';
    if (isNothing || !(cause instanceof ForsunError || cause instanceof JsonError)) throw cause;
    throw new HttpRefusal(400, `the body cannot be read: ${cause.message}`, {}, { cause });
  }
}

const oneOrAll = (texts: readonly string[]): string =>
  texts.length === 1 ? texts.join() : `[${texts.join(',')}]`;

/** Of a name that comes twice the last value. */
const queryOf = (target: string): ReadonlyMap<string, string> => new Map(queryParts(target));

function keyOf({ url }: FastifyRequest): string {
  const key = queryOf(url).get('key');
  // Two codes, because forsun has two.
  if (key === undefined) throw new ForsunError('unknown', 'the argument key is missing');
  if (key === '') throw badArgument('the argument key is empty, expected a key');
  return key;
}

/** Undefined: the current second. */
function timestampOf({ url }: FastifyRequest): number | undefined {
  const text = queryOf(url).get('timestamp') ?? '';
  if (text === '') return undefined;
  const timestamp = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (timestamp !== undefined) return timestamp;
  throw badArgument(`timestamp is ${quote(text)}, expected seconds since 1970 as a whole number`);
}

const contentType = 'application/json; charset=UTF-8';

const ok = (reply: FastifyReply, data: string): FastifyReply =>
  reply.type(contentType).send(okText(data));

function answerErrors(scope: FastifyInstance, { counters, log, clock }: HttpDoor): void {
  const complaints = new Complaints(log, clock);

  scope.setErrorHandler((error, request, reply) => {
    if (error instanceof ForsunError) countRefusal(counters, error.code);
    const refusal = refusalOf(error);
    if (refusal !== undefined) {
      // The framework's own, for a type that is none.
      const isUnreadableType = refusal.statusCode === 415 && error !== refusal;
      answerWith(form, isUnreadableType ? wrongType(request.headers) : refusal, reply);
      return;
    }
    counters.add('http_requested_error_count');
    const { code, message } = error instanceof ForsunError ? error : internalError;
    if (!(error instanceof ForsunError)) {
      const { method, routeOptions } = request;
      complaints.error('http_request_failed', { method, route: routeOptions.url }, error);
    }
    void reply.code(200).type(contentType).send(errorText(wireCodes[code], message));
  });
}

const internalError = new ForsunError('unknown', 'Internal error');

const form: RefusalForm = {
  contentType,
  text({ statusCode, message }) {
    return errorText(wireCodes[codeOf(statusCode)], message);
  },
};

function codeOf(statusCode: number): ErrorCode {
  if ([401, 403, 429].includes(statusCode)) return 'not_allowed';
  return statusCode < 500 ? 'bad_argument' : 'unknown';
}

const wrongType = ({ 'content-type': type }: IncomingHttpHeaders): HttpRefusal =>
  new HttpRefusal(
    400,
    `Content-Type is ${quote(type ?? '')}, expected ${jsonType} or ${crontabType}`,
  );
