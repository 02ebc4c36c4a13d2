import { basicAuthorization, digestAuthorization, digestChallengeOf } from './http-auth.ts';
import type { HttpCall } from './http-call.ts';
import type { HttpResponse } from './http-connection.ts';
import type { HttpConnections } from './http-connections.ts';
import { isRedirect, redirected } from './http-redirect.ts';

export interface HttpAnswer {
  readonly kind: 'answer';
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
  readonly maxResponseBytes: number;
}

/** Asked in answer to a challenge: once, and once more when the nonce was too old. */
const MAX_DIGESTS = 2;

/** The requests of one run: the plan's own, what authentication and redirects make of it. */
export class HttpExchange {
  readonly #connections: HttpConnections;
  readonly #limits: ExchangeLimits;
  readonly #ownHeaders: readonly string[];
  readonly #signal: AbortSignal;
  #origin = '';

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

  /** Who was asked last: after redirects not the plan's own. */
  get origin(): string {
    return this.#origin;
  }

  /** The final answer. Rejects with the transport's error, or at once with the signal's reason. */
  async follow(call: HttpCall): Promise<HttpAnswer | HttpLost> {
    for (let redirects = 0; ; redirects++) {
      const { origin } = call.url;
      this.#origin = origin;
      const response = await this.#authorized(call);
      const location = single(response.headers['location']);
      if (!isRedirect(response.status) || location === undefined) {
        const retryAfter = single(response.headers['retry-after']);
        return {
          kind: 'answer',
          status: response.status,
          ...(retryAfter === undefined ? {} : { retryAfter }),
        };
      }
      if (redirects === this.#limits.maxRedirects) {
        return { kind: 'lost', reason: `${origin} redirects, more than ${redirects} in a row` };
      }
      const next = redirected(call, response.status, location);
      if (next === undefined) {
        return { kind: 'lost', reason: `${origin} redirects to what is no http or https URL` };
      }
      call = next;
    }
  }

  async #authorized(call: HttpCall): Promise<HttpResponse> {
    const { credentials } = call;
    if (credentials === undefined) return this.#send(call);
    if (credentials.mode === 'basic') return this.#send(call, basicAuthorization(credentials));
    let response = await this.#send(call);
    for (let digests = 0; digests < MAX_DIGESTS && response.status === 401; digests++) {
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

  #send(call: HttpCall, authorization?: string): Promise<HttpResponse> {
    const headers = [...this.#ownHeaders];
    for (const [name, value] of call.headers) {
      if (name !== 'authorization' || authorization === undefined) headers.push(name, value);
    }
    if (authorization !== undefined) headers.push('authorization', authorization);
    const request = {
      path: targetOf(call.url),
      method: call.method,
      headers,
      body: call.body === '' ? null : call.body,
    };
    const { url, connectTimeoutSeconds } = call;
    const host = call.headers.get('host');
    const target = { url, connectTimeoutSeconds, ...(host === undefined ? {} : { host }) };
    return this.#connections.lend(target, this.#signal, (connection) =>
      connection.send(request, this.#limits.maxResponseBytes),
    );
  }
}

const targetOf = ({ pathname, search }: URL): string => pathname + search;

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;
