import { BlockList, isIP } from 'node:net';

import { badArgument, quote } from './errors.ts';
import { ipv4Mapped } from './ipv4-inside.ts';

/** An address as networks know it: without a zone, and an IPv4-mapped one, however written, as that IPv4 one. */
export function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '');
  return ipv4Mapped(bare) ?? bare;
}

/** The addresses that begin with the same bits as this one. */
export interface Network {
  readonly address: string;
  readonly bits: number;
  readonly family: 4 | 6;
}

/** What an address or a CIDR says, such as 10.0.0.0/8 or fd00::/8; undefined for what is neither. */
export function networkOf(text: string): Network | undefined {
  const [given = '', bits, ...rest] = text.split('/');
  const address = plainAddress(given);
  const family = isIP(address) === 4 ? 4 : 6;
  const isMapped = family === 4 && isIP(given) === 6;
  const mostBits = family === 4 ? 32 : 128;
  const leastBits = isMapped ? mappedBits : 0;
  const isNetwork = isIP(given) !== 0 && !given.includes('%') && rest.length === 0;
  if (!isNetwork || !/^\d{1,3}$/.test(bits ?? '0')) return undefined;
  const own = bits === undefined ? mostBits : Number(bits) - leastBits;
  return own < 0 || own > mostBits ? undefined : { address, bits: own, family };
}

/** How many bits of an IPv4-mapped address stand before the IPv4 one. */
const mappedBits = 96;

/** What one customer of a provider has of addresses: an IPv4 address, or the first half of an IPv6 one. */
export function placeOf(address: string): string {
  const plain = plainAddress(address);
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail = ''] = plain.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail)];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** A set of networks. Those of IPv6 hold no IPv4 address, for which one list would take ::/0 to do so. */
export class Networks {
  readonly #lists = { 4: new BlockList(), 6: new BlockList() };

  /** Of addresses and CIDRs; bad_argument names one that is neither. */
  constructor(networks: readonly string[]) {
    for (const network of networks) this.#add(network);
  }

  has(address: string): boolean {
    const plain = plainAddress(address);
    const family = isIP(plain);
    if (family !== 4 && family !== 6) return false;
    return this.#lists[family].check(plain, `ipv${family}`);
  }

  #add(text: string): void {
    const network = networkOf(text.trim());
    if (network === undefined) {
      throw badArgument(
        `${quote(text)} is no network: an address or CIDR such as 10.1.0.0/16 or fd00::/8 was expected`,
      );
    }
    const { address, bits, family } = network;
    this.#lists[family].addSubnet(address, bits, `ipv${family}`);
  }
}
