import { notAllowed } from '../../core/errors.ts';
import type { MessageHeader } from '../../wire/protocol.ts';
import type { Admission } from '../access/access.ts';
import type { Caller } from '../access/caller.ts';

/** Who is at the other end of a connection, and so who makes its calls. */
export class Visitor {
  readonly #admission: Admission;
  #caller: Caller;
  /** The token that a call brought last: a client sends the same one with each. */
  #last: { readonly token: string; readonly caller: Caller } | undefined;

  constructor(admission: Admission) {
    this.#admission = admission;
    this.#caller = admission.caller;
  }

  /** Who makes a call that brings that token, or none. Throws not_allowed. */
  callerBy(token: string | undefined): Caller {
    if (token === undefined) return this.#caller;
    if (this.#last?.token !== token) this.#last = { token, caller: this.#identify(token) };
    return this.#last.caller;
  }

  /** Makes whoever the token stands for the caller of what brings none. Throws not_allowed. */
  authenticate(token: string): Caller {
    this.#caller = this.#identify(token);
    return this.#caller;
  }

  #identify(token: string): Caller {
    const identity = this.#admission.identify(token);
    if (identity.kind !== 'caller') throw notAllowed(identity.text);
    return identity.caller;
  }
}

/** By which connection a call came, and the token that it brought with it. */
export interface Calling {
  readonly visitor: Visitor;
  readonly token: string | undefined;
}

/** A multiplexed name, `service:method`: the service is the token that the call brings. */
export function withoutToken(header: MessageHeader): {
  readonly token: string | undefined;
  /** Under the method's own name, as the reply will be. */
  readonly header: MessageHeader;
} {
  const at = header.name.lastIndexOf(':');
  if (at < 0) return { token: undefined, header };
  const { name } = header;
  return { token: name.slice(0, at), header: { ...header, name: name.slice(at + 1) } };
}
