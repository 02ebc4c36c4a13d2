import { promises as dns } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';

import type { Clock } from '../core/time.ts';
import { RereadFile } from './reread-file.ts';
import { type Address, candidates, parseHosts, parseResolvConf } from './resolver-files.ts';

export interface NameSettings {
  readonly hostsFile: string;
  readonly resolvConf: string;
  /** `address:port`; absent: as resolv.conf says. */
  readonly nameServers?: readonly string[];
  readonly timeoutSeconds: number;
}

export const nameDefaults: NameSettings = {
  hostsFile: '/etc/hosts',
  resolvConf: '/etc/resolv.conf',
  timeoutSeconds: 5,
};

/** An answer is kept as long as it says, within these bounds. */
const MIN_KEPT_SECONDS = 5;
const MAX_KEPT_SECONDS = 60;
/** A failure, and an answer that lacks one family, is kept that long. */
const FAILURE_KEPT_SECONDS = 5;
const MAX_KEPT_NAMES = 10_000;
/** How long the second family may lag behind the first. */
const OTHER_FAMILY_MS = 250;
/** One query to one name server. */
const QUERY_MS = 2_000;

const LOOPBACK: readonly Address[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/** A name without addresses: `code` as c-ares says, or ETIMEOUT when no answer came in time. */
export class NameError extends Error {
  override readonly name = 'NameError';
  readonly code: string;

  constructor(code: string, hostname: string) {
    super(`the name ${hostname} has no address: ${code}`);
    this.code = code;
  }
}

interface Kept {
  readonly untilMs: number;
  readonly addresses: readonly Address[];
  /** Set when there are none. */
  readonly failure?: string;
}

/**
 * Names to addresses without the thread pool that dns.lookup fills (four slow names there stop every
 * file and store access). In order: localhost, the hosts file, what is kept, the name servers, with
 * resolv.conf's search domains. Each lookup has a resolver of its own, so that its end cancels no other,
 * and name servers that have changed are asked from then on.
 */
export class Names {
  readonly #clock: Clock;
  readonly #settings: NameSettings;
  readonly #hosts: RereadFile<ReturnType<typeof parseHosts>>;
  readonly #search: RereadFile<ReturnType<typeof parseResolvConf>>;
  readonly #kept = new Map<string, Kept>();
  readonly #asked = new Map<string, Promise<Kept>>();
  readonly #resolvers = new Set<dns.Resolver>();

  constructor(clock: Clock, settings: NameSettings = nameDefaults) {
    this.#clock = clock;
    this.#settings = settings;
    this.#hosts = new RereadFile(settings.hostsFile, parseHosts, clock);
    this.#search = new RereadFile(settings.resolvConf, parseResolvConf, clock);
  }

  /** At least one address, IPv4 first; rejects with a NameError. */
  async resolve(hostname: string): Promise<readonly Address[]> {
    const family = isIP(hostname);
    if (family === 4 || family === 6) return [{ address: hostname, family }];
    const name = hostname.toLowerCase();
    if (/^(.*\.)?localhost\.?$/.test(name)) return LOOPBACK;
    const hosts = await this.#hosts.value();
    const { addresses, failure } =
      hosts.get(name) === undefined
        ? await this.#keptOrAsked(name)
        : { addresses: hosts.get(name) ?? [], failure: undefined };
    if (failure !== undefined) throw new NameError(failure, hostname);
    return addresses;
  }

  /** For net.connect and tls.connect: they get what `choose` leaves of the addresses, or fail as it does. */
  lookup(choose: (addresses: readonly Address[]) => readonly Address[]): LookupFunction {
    return (hostname, options, callback) => {
      const chosen = this.resolve(hostname).then(choose);
      chosen.then(
        (addresses) => {
          const wanted = addresses.filter(
            ({ family }) => !options.family || family === familyOf(options.family),
          );
          const [first] = wanted;
          if (first === undefined) callback(new NameError('ENODATA', hostname), '');
          else if (options.all === true) callback(null, [...wanted]);
          else callback(null, first.address, first.family);
        },
        (error: unknown) => {
          callback(error instanceof Error ? error : new NameError('UNKNOWN', hostname), '');
        },
      );
    };
  }

  /** Ends the lookups under way. */
  close(): void {
    for (const resolver of this.#resolvers) resolver.cancel();
  }

  async #keptOrAsked(name: string): Promise<Kept> {
    const kept = this.#kept.get(name);
    if (kept !== undefined && this.#clock.monotonicMs() < kept.untilMs) return kept;
    let asked = this.#asked.get(name);
    if (asked === undefined) {
      asked = this.#askAndKeep(name).finally(() => this.#asked.delete(name));
      this.#asked.set(name, asked);
    }
    return asked;
  }

  async #askAndKeep(name: string): Promise<Kept> {
    const answer = await this.#ask(name);
    const kept = {
      untilMs: this.#clock.monotonicMs() + answer.keepSeconds * 1000,
      addresses: answer.addresses,
      ...(answer.failure === undefined ? {} : { failure: answer.failure }),
    };
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size > MAX_KEPT_NAMES) this.#kept.delete(oldest);
    return kept;
  }

  async #ask(name: string): Promise<Answer> {
    const resolver = new dns.Resolver({ timeout: QUERY_MS, tries: 2 });
    if (this.#settings.nameServers !== undefined) resolver.setServers(this.#settings.nameServers);
    this.#resolvers.add(resolver);
    const deadline = { isPast: false };
    const cancelDeadline = this.#clock.after(this.#settings.timeoutSeconds * 1000, () => {
      deadline.isPast = true;
      resolver.cancel();
    });
    try {
      let answer = failed('ENOTFOUND');
      for (const candidate of candidates(name, await this.#search.value())) {
        answer = await this.#askBothFamilies(resolver, candidate);
        if (deadline.isPast) return failed('ETIMEOUT');
        if (answer.failure === undefined || !isAnswer(answer.failure)) break;
      }
      return answer;
    } finally {
      cancelDeadline();
      this.#resolvers.delete(resolver);
      resolver.cancel(); // the family that lagged too far behind
    }
  }

  async #askBothFamilies(resolver: dns.Resolver, name: string): Promise<Answer> {
    const four = ask(resolver.resolve4(name, { ttl: true }), 4);
    const six = ask(resolver.resolve6(name, { ttl: true }), 6);
    const first = await Promise.race([four, six]);
    const both = Promise.all([four, six]);
    if (first.failure !== undefined) return merged(await both);
    const lagging = new Promise<undefined>((resolve) => {
      const cancel = this.#clock.after(OTHER_FAMILY_MS, () => {
        resolve(undefined);
      });
      void both.then(cancel);
    });
    const answers = await Promise.race([both, lagging]);
    return answers === undefined
      ? { ...first, keepSeconds: FAILURE_KEPT_SECONDS }
      : merged(answers);
  }
}

interface Answer {
  readonly addresses: readonly Address[];
  readonly failure?: string;
  readonly keepSeconds: number;
}

const failed = (failure: string): Answer => ({
  addresses: [],
  failure,
  keepSeconds: FAILURE_KEPT_SECONDS,
});

async function ask(
  query: Promise<readonly { readonly address: string; readonly ttl: number }[]>,
  family: 4 | 6,
): Promise<Answer> {
  try {
    const records = await query;
    const ttl = Math.min(...records.map((record) => record.ttl), MAX_KEPT_SECONDS);
    return records.length === 0
      ? failed('ENODATA')
      : {
          addresses: records.map(({ address }) => ({ address, family })),
          keepSeconds: Math.max(ttl, MIN_KEPT_SECONDS),
        };
  } catch (error) {
    return failed(error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN');
  }
}

/** IPv4 first. A family that failed otherwise than by having no address makes the answer short-lived. */
function merged([four, six]: readonly [Answer, Answer]): Answer {
  const addresses = [...four.addresses, ...six.addresses];
  if (addresses.length === 0) {
    return failed([four.failure, six.failure].find((code) => !isAnswer(code)) ?? 'ENOTFOUND');
  }
  const lived = [four, six].filter(({ failure }) => failure === undefined || !isAnswer(failure));
  return { addresses, keepSeconds: Math.min(...lived.map(({ keepSeconds }) => keepSeconds)) };
}

/** The name server has answered that there is nothing, or cannot say: another name may do better. */
const isAnswer = (code: string | undefined): boolean =>
  code === undefined || code === 'ENOTFOUND' || code === 'ENODATA' || code === 'ESERVFAIL';

const familyOf = (family: number | 'IPv4' | 'IPv6'): number =>
  family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family;
