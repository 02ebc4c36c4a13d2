import { basicAuthorization, digestAuthorization, digestChallengeOf } from './http-auth.ts';
import type { HttpCall } from './http-call.ts';
import type { HttpConnections } from './http-connections.ts';
import { isRedirect, redirected } from './http-redirect.ts';
import { type HttpResponse, send } from './http-send.ts';
import type { RunCut } from './run-cut.ts';

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
  readonly #cut: RunCut;
  #origin = '';

  /** `ownHeaders` (flat names and values) go with every request, to whomever it leads. */
  constructor(
    connections: HttpConnections,
    limits: ExchangeLimits,
    ownHeaders: readonly string[],
    cut: RunCut,
  ) {
    this.#connections = connections;
    this.#limits = limits;
    this.#ownHeaders = ownHeaders;
    this.#cut = cut;
  }

  /** Who was asked last: after redirects not the plan's own. */
  get origin(): string {
    return this.#origin;
  }

  /** The final answer. Rejects with the transport's error; may outlast the cut while it connects. */
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
    const request = {
      path: targetOf(call.url),
      method: call.method,
      headers,
      body: call.body === '' ? null : call.body,
    };
    return send(connection, request, this.#limits.maxResponseBytes, this.#cut);
  }
}

const targetOf = ({ pathname, search }: URL): string => pathname + search;

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;
