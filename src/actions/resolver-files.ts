import { isIP } from 'node:net';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** The addresses of each name in a hosts file (hosts(5)), names in lower case. */
export function parseHosts(text: string): ReadonlyMap<string, readonly Address[]> {
  const hosts = new Map<string, Address[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = words(line);
    const family = isIP(address);
    if (family !== 4 && family !== 6) continue;
    for (const name of names.map((word) => word.toLowerCase())) {
      const addresses = hosts.get(name) ?? [];
      if (!addresses.some((known) => known.address === address)) {
        addresses.push({ address, family });
      }
      hosts.set(name, addresses);
    }
  }
  return hosts;
}

/** What of resolv.conf(5) c-ares does not do for a plain query: which names to ask for a name. */
export interface SearchRules {
  readonly domains: readonly string[];
  /** A name with at least that many dots is asked as it stands first. */
  readonly ndots: number;
}

export function parseResolvConf(text: string): SearchRules {
  let domains: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = words(line);
    if (keyword === 'search' || keyword === 'domain') domains = values; // the last one counts
    if (keyword !== 'options') continue;
    for (const option of values) {
      const [, dots] = /^ndots:(\d{1,2})$/.exec(option) ?? [];
      if (dots !== undefined) ndots = Math.min(Number(dots), 15);
    }
  }
  return { domains: domains.filter((domain) => domain !== '.'), ndots };
}

/** The full names to ask for, in order. */
export function candidates(name: string, { domains, ndots }: SearchRules): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const searched = domains.map((domain) => `${name}.${domain.replace(/\.$/, '')}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}

const words = (line: string): string[] =>
  line
    .replace(/[#;].*/, '')
    .split(/\s+/)
    .filter((word) => word !== '');
