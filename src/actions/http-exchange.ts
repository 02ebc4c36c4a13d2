import type { Dispatcher } from 'undici';

import { basicAuthorization, digestAuthorization, digestChallengeOf } from './http-auth.ts';
import type { HttpCall } from './http-call.ts';
import type { HttpConnections } from './http-connections.ts';
import { isRedirect, redirected } from './http-redirect.ts';

export interface HttpAnswer {
  readonly kind: 'answer';
  readonly origin: string;
  readonly status: number;
  readonly retryAfter?: string;
}

/** Redirects that lead nowhere. */
export interface HttpLost {
  readonly kind: 'lost';
  readonly reason: string;
}

export interface ExchangeLimits {
  readonly maxRedirects: number;
  readonly responseCapBytes: number;
}

/** Asked in answer to a challenge: once, and once more when the nonce was too old. */
const MAX_DIGESTS = 2;

/** The requests of one run: the plan's own, what authentication and redirects make of it. */
export class HttpExchange {
  readonly #connections: HttpConnections;
  readonly #limits: ExchangeLimits;
  readonly #ownHeaders: readonly string[];
  readonly #signal: AbortSignal;

  /** `ownHeaders` (flat names and values) go with every request, to whomever it leads. */
  constructor(
    connections: HttpConnections,
    limits: ExchangeLimits,
    ownHeaders: readonly string[],
    signal: AbortSignal,
  ) {
    this.#connections = connections;
    this.#limits = limits;
    this.#ownHeaders = ownHeaders;
    this.#signal = signal;
  }

  /** The final answer. Rejects with the transport's error; may outlast the signal while it connects. */
  async follow(call: HttpCall): Promise<HttpAnswer | HttpLost> {
    for (let redirects = 0; ; redirects++) {
      const response = await this.#authorized(call);
      const { origin } = call.url;
      const location = single(response.headers['location']);
      if (!isRedirect(response.statusCode) || location === undefined) {
        const retryAfter = single(response.headers['retry-after']);
        return {
          kind: 'answer',
          origin,
          status: response.statusCode,
          ...(retryAfter === undefined ? {} : { retryAfter }),
        };
      }
      if (redirects === this.#limits.maxRedirects) {
        return { kind: 'lost', reason: `${origin} redirects, more than ${redirects} in a row` };
      }
      const next = redirected(call, response.statusCode, location);
      if (next === undefined) {
        return { kind: 'lost', reason: `${origin} redirects to what is no http or https URL` };
      }
      call = next;
    }
  }

  async #authorized(call: HttpCall): Promise<Response> {
    const { credentials } = call;
    if (credentials === undefined) return this.#send(call);
    if (credentials.mode === 'basic') return this.#send(call, basicAuthorization(credentials));
    let response = await this.#send(call);
    for (let digests = 0; digests < MAX_DIGESTS && response.statusCode === 401; digests++) {
      const challenge = digestChallengeOf(response.headers['www-authenticate']);
      if (challenge === undefined || (digests > 0 && !challenge.isStale)) break;
      const authorization = digestAuthorization(
        challenge,
        credentials,
        call.method,
        targetOf(call.url),
      );
      response = await this.#send(call, authorization);
    }
    return response;
  }

  async #send(call: HttpCall, authorization?: string): Promise<Response> {
    const host = call.headers.get('host');
    const connection = this.#connections.to({
      origin: call.url.origin,
      connectTimeoutSeconds: call.connectTimeoutSeconds,
      ...(host === undefined ? {} : { host }),
    });
    const headers = [...this.#ownHeaders];
    for (const [name, value] of call.headers) {
      if (name !== 'authorization' || authorization === undefined) headers.push(name, value);
    }
    if (authorization !== undefined) headers.push('authorization', authorization);
    const response = await connection.request({
      path: targetOf(call.url),
      method: call.method,
      headers,
      body: call.body === '' ? null : call.body,
      signal: this.#signal,
    });
    await readUpTo(response.body, this.#limits.responseCapBytes);
    return response;
  }
}

type Response = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>;

/** Read to its end a body leaves its connection for the next request; past the cap it is closed. */
async function readUpTo(body: AsyncIterable<Buffer>, capBytes: number): Promise<void> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > capBytes) return; // leaving the loop destroys the body
  }
}

const targetOf = ({ pathname, search }: URL): string => pathname + search;

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;
