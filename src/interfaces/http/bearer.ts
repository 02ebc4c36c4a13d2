import type { FastifyRequest } from 'fastify';

import { notAllowed } from '../../core/errors.ts';
import type { Access } from '../access/access.ts';
import type { Caller, Wish } from '../access/caller.ts';
import { HttpRefusal } from './refusal.ts';

/** Whom requests come from: whoever the token of their Authorization stands for. */
export const bearers =
  (access: Access) =>
  ({ peer, headers }: FastifyRequest): Caller => {
    const admission = access.admit(peer);
    const token = tokenIn(headers.authorization);
    if (token === undefined) return admission.caller;
    const identity = admission.identify(token);
    switch (identity.kind) {
      case 'caller':
        return identity.caller;
      case 'unknown':
        throw unauthorized(identity.text, ' error="invalid_token"');
      case 'too_many':
        throw new HttpRefusal(429, identity.text, { 'retry-after': String(identity.waitSeconds) });
      default:
        return identity satisfies never;
    }
  };

/** Other schemes, Basic for one, are a token that is none. */
function tokenIn(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const [, token] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
  return token ?? '';
}

/** Refuses what the caller may not have: not_allowed, or 401 where a token may help. */
export function permit({ caller }: { readonly caller: Caller }, wish: Wish): void {
  const refusal = caller.refusal(wish);
  if (refusal === undefined) return;
  throw caller.lacksToken === true ? unauthorized(refusal) : notAllowed(refusal);
}

const unauthorized = (text: string, fault = ''): HttpRefusal =>
  new HttpRefusal(401, text, {
    'www-authenticate': `Bearer realm="forsund"${fault && `,${fault}`}`,
  });
