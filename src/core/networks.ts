import { BlockList, isIP } from 'node:net';

import { badArgument, quote } from './errors.ts';

const mappedPrefix = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;
const mappedBits = 96;

/** An address as networks know it: without a zone, and ::ffff:a.b.c.d as a.b.c.d. */
export const plainAddress = (address: string): string =>
  address.replace(/%.*$/, '').replace(mappedPrefix, '');

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

/** A set of networks. */
export class Networks {
  readonly #list = new BlockList();

  /** Of addresses and CIDRs, such as 10.0.0.0/8 or fd00::/8; bad_argument names one that is neither. */
  constructor(networks: readonly string[]) {
    for (const network of networks) this.#add(network);
  }

  has(address: string): boolean {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && this.#list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  }

  #add(network: string): void {
    const [given = '', bits, ...rest] = network.trim().split('/');
    const address = plainAddress(given);
    const family = isIP(address);
    const maxBits = family === 4 ? 32 : 128;
    const isMapped = address !== given && mappedPrefix.test(given);
    const prefix = bits === undefined ? maxBits : Number(bits) - (isMapped ? mappedBits : 0);
    const isNumber = bits === undefined || /^\d{1,3}$/.test(bits);
    if (family === 0 || rest.length > 0 || !isNumber || prefix < 0 || prefix > maxBits) {
      throw badArgument(
        `${quote(network)} is no network: an address or CIDR such as 10.1.0.0/16 or fd00::/8 was expected`,
      );
    }
    this.#list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
}
