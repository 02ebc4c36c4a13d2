import { isIP } from 'node:net';

/** How an IPv6 address begins that holds an IPv4 one, and at which of its groups that stands. */
interface Form {
  readonly prefix: readonly number[];
  /** At which group that begins, if not at the first. */
  readonly from?: number;
  readonly at: number;
  /** Written with every bit turned round. */
  readonly isInverted?: boolean;
}

const mapped: Form = { prefix: [0, 0, 0, 0, 0, 0xffff], at: 6 }; // ::ffff:a.b.c.d

const forms: readonly Form[] = [
  mapped,
  { prefix: [0, 0, 0, 0, 0xffff, 0], at: 6 }, // ::ffff:0:a.b.c.d, IPv4-translated
  { prefix: [0x64, 0xff9b, 0, 0, 0, 0], at: 6 }, // 64:ff9b::a.b.c.d, NAT64
  { prefix: [0, 0, 0, 0, 0, 0], at: 6 }, // ::a.b.c.d, IPv4-compatible
  { prefix: [0x2002], at: 1 }, // 2002:ab:cd::, 6to4
  { prefix: [0x2001, 0], at: 6, isInverted: true }, // 2001:0:…, Teredo
  { prefix: [0, 0x5efe], from: 4, at: 6 }, // …:0:5efe:a.b.c.d, ISATAP
  { prefix: [0x200, 0x5efe], from: 4, at: 6 }, // the same, of an address that is unique
];

const loopback = [0, 0, 0, 0, 0, 0, 0, 1];

/**
 * The IPv4 address that an IPv6 one leads to: another spelling of it, or written into it for a translator
 * or a tunnel. Undefined for any other address, and for what is no IPv6 address.
 */
export const ipv4Inside = (address: string): string | undefined => insideOf(address, forms);

/** The IPv4 address of which an IPv6 one is another spelling, ::ffff:a.b.c.d; undefined for any other. */
export const ipv4Mapped = (address: string): string | undefined =>
  /ffff:/i.test(address) ? insideOf(address, [mapped]) : undefined;

function insideOf(address: string, among: readonly Form[]): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const groups = groupsOf(address);
  const form = among.find(({ prefix, from = 0 }) => startsWith(groups.slice(from), prefix));
  if (form === undefined || startsWith(groups, loopback)) return undefined;
  const [high = 0, low = 0] = groups
    .slice(form.at)
    .map((group) => (form.isInverted === true ? group ^ 0xffff : group));
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

const startsWith = (groups: readonly number[], prefix: readonly number[]): boolean =>
  prefix.every((group, at) => groups[at] === group);

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const [head = '', tail = ''] = address.replace(/%.*$/, '').split('::').map(withoutDots);
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [before, behind] = [groups(head), groups(tail)];
  return [...before, ...Array<number>(8 - before.length - behind.length).fill(0), ...behind];
}

/** A last part as 10.0.0.1 in two groups, as all others are. */
const withoutDots = (part: string): string =>
  part.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...found: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = found.map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
