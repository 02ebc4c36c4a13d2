import { isIP } from 'node:net';

import { BoundedCache } from '../../core/bounded-cache.ts';
import { Networks, placeOf, plainAddress } from '../../core/networks.ts';
import type { Clock } from '../../core/time.ts';
import type { Counters } from '../../metrics/counters.ts';
import type { Complaints } from '../complaints.ts';
import { type Caller, everybody, type Role } from './caller.ts';
import { type Grant, refusalBy } from './grant.ts';
import type { Peer } from './peer.ts';
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
  readonly #anonymous: Caller;
  readonly #counters: Counters;
  readonly #complaints: Complaints;
  readonly #wrong: WrongTokens;
  readonly #welcome = new BoundedCache<string, true>(maxWelcome);

  constructor(rules: AccessRules, { clock, counters, complaints }: AccessDependencies) {
    this.#trusted = new Networks(rules.trustedNetworks);
    this.#tokens = rules.tokens;
    this.#counters = counters;
    this.#complaints = complaints;
    this.#wrong = new WrongTokens(clock);
    this.#anonymous = this.#anonymousCaller(rules.anonymousRole);
  }

  admit(peer: Peer): Admission {
    const { address, isEncrypted, hasCertificate } = peer;
    const isNear = address === undefined || loopback.has(address) || this.#trusted.has(address);
    if (isNear || hasCertificate) return this.#admission(address, this.#anonymous);
    const refusal = refusalOf(address, this.#tokens !== undefined, isEncrypted);
    const stranger = this.#tokenless('stranger', () => refusal);
    return this.#tokens !== undefined && isEncrypted
      ? this.#admission(address, stranger)
      : { ...this.#admission(address, stranger), refusal };
  }

  #admission(address: string | undefined, caller: Caller): Admission {
    const tokens = this.#tokens;
    const identify = (token: string): Identity =>
      tokens === undefined ? { kind: 'caller', caller } : this.#identify(token, tokens, address);
    return { caller, refusal: undefined, identify };
  }

  #identify(token: string, tokens: TokenFile, address: string | undefined): Identity {
    const place = address === undefined ? 'unix' : placeOf(address);
    const hash = tokens.find(token);
    const welcome = `${place} ${hash ?? ''}`;
    const waitSeconds = this.#wrong.waitSeconds(place);
    if (waitSeconds > 0 && this.#welcome.get(welcome) === undefined) {
      this.#complain('tokens_slowed', place);
      const text = `too many wrong tokens came from ${place}: try again in ${waitSeconds} seconds`;
      return { kind: 'too_many', text, waitSeconds };
    }
    if (hash === undefined) {
      this.#wrong.add(place, token);
      this.#complain('token_refused', place);
      return { kind: 'unknown', text: 'the token is none of this server' };
    }
    this.#welcome.set(welcome, true);
    return { kind: 'caller', caller: tokenCaller(tokens, hash) };
  }

  #complain(event: string, peer: string): void {
    this.#counters.add('tokens_refused_count');
    this.#complaints.warn(event, { peer });
  }

  #anonymousCaller(role: Role | 'none'): Caller {
    if (role === 'none') return this.#tokenless('nobody', () => tokenNeeded);
    if (role === 'admin') return everybody;
    const grant = { name: 'whoever brings no token', role };
    return this.#tokenless('anonymous', (wish) => refusalBy(grant, wish));
  }

  #tokenless(name: string, refusal: Caller['refusal']): Caller {
    const lacksToken = this.#tokens === undefined ? {} : ({ lacksToken: true } as const);
    return { name, ...lacksToken, seesSecrets: false, refusal };
  }
}

/** Asks what the token is good for each time: what is taken out of the file counts no longer. */
function tokenCaller(tokens: TokenFile, hash: string): Caller {
  const grant = (): Grant | undefined => tokens.grantOf(hash);
  return {
    name: grant()?.name ?? '',
    get seesSecrets() {
      return grant()?.role === 'admin';
    },
    refusal(wish) {
      const now = grant();
      return now === undefined ? 'the token is good no longer' : refusalBy(now, wish);
    },
  };
}

const tokenNeeded =
  'this needs a token: forsund has a token file, and --anonymous-role gives nothing to whom brings none';

function refusalOf(address: string, hasTokens: boolean, isEncrypted: boolean): string {
  const plain = plainAddress(address);
  const network = `${plain}/${isIP(plain) === 6 ? 128 : 32}`;
  const remedy = hasTokens ? `Bring a token${isEncrypted ? '' : ' over TLS'}, or` : 'To serve it,';
  return (
    `forsund is in protected mode: it serves loopback and trusted networks, and ${plain} is in none. ` +
    `${remedy} start forsund with --trust-network ${network} (or FORSUN_TRUST_NETWORK=${network})`
  );
}
