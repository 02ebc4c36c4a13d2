import type { Caller, Role } from './caller.ts';
import { type Grant, refusalBy } from './grant.ts';
import type { TokenFile } from './token-file.ts';

/** What somebody may do, wherever the calls come from. */
export type Rights = Omit<Caller, 'may'>;

/** Those of a token. The file is asked each time: what is taken out of it counts no longer. */
export function tokenRights(tokens: TokenFile, hash: string): Rights {
  const grant = (): Grant | undefined => tokens.grantOf(hash);
  return {
    name: grant()?.name ?? '',
    get seesSecrets() {
      return grant()?.role === 'admin';
    },
    refusal(wish) {
      const now = grant();
      return now === undefined
        ? 'the token is good no longer: its line was taken out of the token file'
        : refusalBy(now, wish);
    },
  };
}

/** Those of whoever brings no token; admin, who may do all, is no such. */
export function anonymousRights(role: Exclude<Role, 'admin'> | 'none', hasTokens: boolean): Rights {
  if (role === 'none') return tokenless('nobody', hasTokens, () => tokenNeeded);
  const grant = { name: 'whoever brings no token', role };
  return tokenless('anonymous', hasTokens, (wish) => refusalBy(grant, wish));
}

/** None, for the reason given: those of a peer that protected mode does not serve. */
export const strangerRights = (refusal: string, hasTokens: boolean): Rights =>
  tokenless('stranger', hasTokens, () => refusal);

/** Whoever has those rights; each refusal that is to be told is told to `onRefused` first. */
export const callerWith = (rights: Rights, onRefused: (reason: string) => void): Caller => ({
  name: rights.name,
  ...(rights.lacksToken === undefined ? {} : { lacksToken: true }),
  get seesSecrets() {
    return rights.seesSecrets;
  },
  refusal(wish) {
    const reason = rights.refusal(wish);
    if (reason !== undefined) onRefused(reason);
    return reason;
  },
  may: (wish) => rights.refusal(wish) === undefined,
});

const tokenless = (name: string, hasTokens: boolean, refusal: Rights['refusal']): Rights => ({
  name,
  ...(hasTokens ? { lacksToken: true } : {}),
  seesSecrets: false,
  refusal,
});

const tokenNeeded =
  'this needs a token: forsun brings it by --token-file or FORSUN_TOKEN, HTTP as Authorization: Bearer; ' +
  'whoever brings none may do nothing here (--anonymous-role)';
