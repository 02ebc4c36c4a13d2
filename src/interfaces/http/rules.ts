import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { quote } from '../../core/errors.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../access/caller.ts';
import type { HttpConnection, HttpLobby } from './connection.ts';
import { answerWith, type RefusalForms } from './forms.ts';
import { browserRules, isPreflight, preflightHeaders, type ServedNames } from './origins.ts';
import { HttpRefusal, refusalOf } from './refusal.ts';

/** Whom the bridge serves. */
export interface Admission {
  /** Whether a peer is served at all, by its own address: what a proxy says of others does not count. */
  readonly access: Access;
  /** Whom a request comes from; throws an HttpRefusal when it is nobody. */
  readonly callerOf: (request: FastifyRequest) => Caller | Promise<Caller>;
}

export interface RulesContext extends Admission {
  readonly lobby: HttpLobby;
  readonly names: ServedNames;
  readonly forms: RefusalForms;
  readonly connectionOf: (request: FastifyRequest) => HttpConnection;
  readonly isClosing: () => boolean;
}

/** What holds for every request, whatever its route; added before the routes are. */
export function addRules(app: FastifyInstance, context: RulesContext): void {
  const { lobby, connectionOf } = context;
  const checkBrowser = browserRules(context.names, lobby);

  app.addHook('onRequest', async (request, reply) => {
    const connection = connectionOf(request);
    const isServed = await connection.turn({ request: request.raw, response: reply.raw });
    if (!isServed) throw new HttpRefusal(400, 'the connection is over');
    request.peer = connection.peer;
    checkPeer(connection, context);
    checkBrowser(request, reply);
    checkReadable(request);
    if (isPreflight(request)) return reply.code(204).headers(preflightHeaders).send();
    request.caller = await context.callerOf(request);
    return undefined;
  });

  app.addHook('preParsing', (request, _reply, payload, done) => {
    const connection = connectionOf(request);
    payload.on('data', (chunk: Buffer) => connection.hold(chunk.length));
    done(null, payload);
  });

  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload === 'string' || Buffer.isBuffer(payload)) {
      connectionOf(request).hold(Buffer.byteLength(payload));
    }
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    if (context.isClosing()) reply.header('connection', 'close');
    if (reply.getHeader('connection') === 'close') await endOfBody(request, lobby);
    return payload;
  });

  app.setNotFoundHandler((request, reply) => {
    const nothing = new HttpRefusal(404, `there is no ${quote(request.url)} here`);
    answerError(nothing, request, reply, context);
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, context));
}

/** Answers with what the error comes to; what is a bug is logged, and not told. */
function answerError(
  error: unknown,
  { method, originalUrl, routeOptions }: FastifyRequest,
  reply: FastifyReply,
  { lobby, forms }: RulesContext,
): void {
  const refusal = refusalOf(error);
  if (refusal === undefined) {
    lobby.complaints.error('http_request_failed', { method, route: routeOptions.url }, error);
  }
  answerWith(forms.of(originalUrl), refusal ?? new HttpRefusal(500, 'Internal error'), reply);
}

function checkPeer({ peer, address }: HttpConnection, { access, lobby }: RulesContext): void {
  const { refusal } = access.admit(peer);
  if (refusal === undefined) return;
  lobby.counters.add('connections_refused_count');
  lobby.complaints.warn('http_peer_refused', { peer: address, reason: refusal });
  throw new HttpRefusal(403, refusal, { connection: 'close' });
}

/** Refuses what would be served as something else than what it says. */
function checkReadable({ url, originalUrl, headers }: FastifyRequest): void {
  if (url !== originalUrl) {
    throw new HttpRefusal(400, `the path ${quote(originalUrl)} has an escape that is no UTF-8`);
  }
  const { expect, 'content-encoding': coding = 'identity' } = headers;
  if (coding.toLowerCase() !== 'identity') {
    const text = `Content-Encoding is ${quote(coding)}, expected none`;
    throw new HttpRefusal(415, text, { 'accept-encoding': 'identity' });
  }
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    throw new HttpRefusal(417, `Expect is ${quote(expect)}, expected 100-continue or none`);
  }
}

/** Resolves when no more of the body comes: who sends all of it before reading learns why not. */
async function endOfBody({ raw }: FastifyRequest, { clock, settings }: HttpLobby): Promise<void> {
  if (raw.complete || raw.destroyed) return;
  await new Promise<void>((resolve) => {
    const cancel = clock.after(settings.lingerMs, resolve);
    const ended = (): void => {
      cancel();
      resolve();
    };
    raw.once('end', ended).once('close', ended).resume();
  });
}
