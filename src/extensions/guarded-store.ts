import { ForsunError } from '../core/errors.ts';
import { thrownText } from '../core/thrown-text.ts';
import type { Claim, Store } from '../stores/store.ts';
import type { Guests } from './guests.ts';

/**
 * The store, its code under its extension's name. Whatever it throws comes as a rejection with an Error, and
 * so does a claim that is none: the scheduler tells of it and goes on.
 */
export function guardedStore(
  extension: string,
  driver: string,
  store: Store,
  guests: Guests,
): Store {
  const whose = `the store ${driver} of the extension ${extension}`;
  const ask = async <T>(method: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await guests.work(extension, work);
    } catch (error) {
      if (error instanceof ForsunError) throw error;
      throw new Error(`${whose} broke in ${method}: ${thrownText(error)}`);
    }
  };
  const requireClaims = (claims: unknown, most: number): void => {
    const wrong = wrongIn(claims, most);
    if (wrong !== undefined) throw new Error(wrong);
  };
  return {
    recovery: store.recovery,
    now: () => guests.work(extension, () => store.now()),
    planCount: () => guests.work(extension, () => store.planCount()),
    put: (draft, first, options) => ask('put', () => store.put(draft, first, options)),
    remove: (key) => ask('remove', () => store.remove(key)),
    trigger: (key) => ask('trigger', () => store.trigger(key)),
    get: (key) => ask('get', () => store.get(key)),
    getMany: (keys) => ask('getMany', () => store.getMany(keys)),
    keys: (prefix, limit, after) => ask('keys', () => store.keys(prefix, limit, after)),
    agenda: (from, to, limit, after) => ask('agenda', () => store.agenda(from, to, limit, after)),
    claim: (until, room) =>
      ask('claim', async () => {
        const result = await store.claim(until, room);
        requireClaims(result.claims, room.firings);
        return result;
      }),
    claimParked: (origin, limit) =>
      ask('claimParked', async () => {
        const claims = await store.claimParked(origin, limit);
        requireClaims(claims, limit);
        return claims;
      }),
    parkedOrigins: (after, limit) => ask('parkedOrigins', () => store.parkedOrigins(after, limit)),
    settle: (firing, settlement) => ask('settle', () => store.settle(firing, settlement)),
    failures: (prefix, limit, before) =>
      ask('failures', () => store.failures(prefix, limit, before)),
    trouble: () => {
      try {
        return guests.work(extension, () => store.trouble?.());
      } catch (error) {
        return `${whose} broke in trouble: ${thrownText(error)}`;
      }
    },
    close: () => ask('close', () => store.close()),
  };
}

/** What is wrong with claims, of which each would be run; undefined: nothing. */
function wrongIn(claims: unknown, most: number): string | undefined {
  if (!Array.isArray(claims)) return 'its answer has no list of claims';
  if (claims.length > most) return `it answered ${claims.length} claims, asked for ${most}`;
  const at = claims.findIndex((claim) => !isClaim(claim));
  return at < 0 ? undefined : `number ${at} of its claims is none`;
}

function isClaim(claim: unknown): claim is Claim {
  const { firing, plan } = (claim ?? {}) as Partial<Claim>;
  return (
    typeof firing?.key === 'string' &&
    [firing.generation, firing.fireTime, firing.attempt, firing.failures].every(Number.isInteger) &&
    plan?.key === firing.key &&
    typeof plan.action === 'string' &&
    plan.params instanceof Map
  );
}
