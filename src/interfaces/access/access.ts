import { isIP } from 'node:net';

import { BoundedCache } from '../../core/bounded-cache.ts';
import { Networks, placeOf, plainAddress } from '../../core/networks.ts';
import type { Clock } from '../../core/time.ts';
import type { Counters } from '../../metrics/counters.ts';
import type { Complaints } from '../complaints.ts';
import { type Caller, everybody, type Role } from './caller.ts';
import { onUnixSocket, type Peer } from './peer.ts';
import { anonymousRights, callerWith, type Rights, strangerRights, tokenRights } from './rights.ts';
import type { TokenFile } from './token-file.ts';
import { WrongTokens } from './wrong-tokens.ts';

/** How a peer is met. */
export interface Admission {
  /** Whom it is while it brings no token. */
  readonly caller: Caller;
  /** Why nothing that it could bring would help, for it to read; undefined when something may. */
  readonly refusal: string | undefined;
  /** Whom a token that it brings stands for. Without a token file, any is as good as none. */
  identify(token: string): Identity;
}

/** Whose a token is; or why it is nobody's, for the peer to read. */
export type Identity =
  | { readonly kind: 'caller'; readonly caller: Caller }
  | { readonly kind: 'unknown'; readonly text: string }
  | { readonly kind: 'too_many'; readonly text: string; readonly waitSeconds: number };

export interface AccessRules {
  /** Addresses and CIDRs whose peers are served as those of this machine are. */
  readonly trustedNetworks: readonly string[];
  /** Absent: nobody needs a token. */
  readonly tokens?: TokenFile;
  /** What a peer may do that brings no token. */
  readonly anonymousRole: Role | 'none';
}

export interface AccessDependencies {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly complaints: Complaints;
}

/** Decides, for every door alike, whom the server serves. */
export interface Access {
  admit(peer: Peer): Admission;
}

const loopback = new Networks(['127.0.0.0/8', '::1']);

/** True for what only this machine can reach: a listener there, or a peer from there. */
export const isLoopback = (address: string): boolean =>
  address === 'localhost' || loopback.has(address);

/** Tokens that were good lately, each with its place: somebody who guesses there does not shut them out. */
const maxWelcome = 10_000;

/**
 * Protected mode: from beyond this machine, a peer is served only from a trusted network, with a client
 * certificate, or for a token, which from there counts only over TLS. Throws bad_argument for a network
 * that is none.
 */
export const createAccess = (rules: AccessRules, dependencies: AccessDependencies): Access =>
  new ProtectedMode(rules, dependencies);

class ProtectedMode implements Access {
  readonly #trusted: Networks;
  readonly #tokens: TokenFile | undefined;
  /** Of whoever brings no token. */
  readonly #anonymous: Rights | undefined;
  readonly #counters: Counters;
  readonly #complaints: Complaints;
  readonly #wrong: WrongTokens;
  readonly #welcome = new BoundedCache<string, true>(maxWelcome);

  constructor(rules: AccessRules, { clock, counters, complaints }: AccessDependencies) {
    const { trustedNetworks, tokens, anonymousRole } = rules;
    this.#trusted = new Networks(trustedNetworks);
    this.#tokens = tokens;
    this.#counters = counters;
    this.#complaints = complaints;
    this.#wrong = new WrongTokens(clock);
    this.#anonymous =
      anonymousRole === 'admin' ? undefined : anonymousRights(anonymousRole, tokens !== undefined);
  }

  admit(peer: Peer): Admission {
    const { address, isEncrypted, hasCertificate } = peer;
    const isNear = address === undefined || loopback.has(address) || this.#trusted.has(address);
    if (isNear || hasCertificate) return this.#admission(address, this.#anonymous);
    const hasTokens = this.#tokens !== undefined;
    const refusal = refusalOf(address, hasTokens, isEncrypted);
    const admission = this.#admission(address, strangerRights(refusal, hasTokens));
    return hasTokens && isEncrypted ? admission : { ...admission, refusal };
  }

  /** Without rights of its own, a peer that brings no token is everybody. */
  #admission(address: string | undefined, rights: Rights | undefined): Admission {
    const tokens = this.#tokens;
    const callerOf = (its: Rights): Caller =>
      callerWith(its, (reason) => this.#tellNotAllowed(address ?? onUnixSocket, reason));
    const caller = rights === undefined ? everybody : callerOf(rights);
    const identify = (token: string): Identity =>
      tokens === undefined
        ? { kind: 'caller', caller }
        : this.#identify(token, tokens, address, callerOf);
    return { caller, refusal: undefined, identify };
  }

  #identify(
    token: string,
    tokens: TokenFile,
    address: string | undefined,
    callerOf: (rights: Rights) => Caller,
  ): Identity {
    const place = address === undefined ? onUnixSocket : placeOf(address);
    const hash = tokens.find(token);
    const welcome = `${place} ${hash ?? ''}`;
    const waitSeconds = this.#wrong.waitSeconds(place);
    if (waitSeconds > 0 && this.#welcome.get(welcome) === undefined) {
      this.#tellWrongToken('tokens_slowed', place);
      const text = `too many wrong tokens came from ${place}: try again in ${waitSeconds} seconds`;
      return { kind: 'too_many', text, waitSeconds };
    }
    if (hash === undefined) {
      this.#wrong.add(place, token);
      this.#tellWrongToken('token_refused', place);
      return { kind: 'unknown', text: 'the token is none of this server; forsund token makes one' };
    }
    this.#welcome.set(welcome, true);
    return { kind: 'caller', caller: callerOf(tokenRights(tokens, hash)) };
  }

  #tellWrongToken(event: string, peer: string): void {
    this.#counters.add('tokens_refused_count');
    this.#complaints.warn(event, { peer });
  }

  #tellNotAllowed(peer: string, reason: string): void {
    this.#counters.add('refused_not_allowed_count');
    this.#complaints.warn('call_not_allowed', { peer, reason });
  }
}

function refusalOf(address: string, hasTokens: boolean, isEncrypted: boolean): string {
  const plain = plainAddress(address);
  const network = `${plain}/${isIP(plain) === 6 ? 128 : 32}`;
  const remedy = hasTokens ? `Bring a token${isEncrypted ? '' : ' over TLS'}, or` : 'To serve it,';
  return (
    `forsund is in protected mode: it serves loopback and trusted networks, and ${plain} is in none. ` +
    `${remedy} start forsund with --trust-network ${network} (or FORSUN_TRUST_NETWORK=${network})`
  );
}
