import { isIP, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';

import { BoundedCache } from '../core/bounded-cache.ts';
import { badArgument } from '../core/errors.ts';
import { ipv4Inside } from '../core/ipv4-inside.ts';
import { networkOf, Networks, plainAddress } from '../core/networks.ts';
import type { Address } from './resolver-files.ts';

export interface EgressSettings {
  /** The only networks that plans may reach; empty: all. As `address/prefix`, as are those of `deny`. */
  readonly allow: readonly string[];
  /** Networks they may not, whatever is allowed. */
  readonly deny: readonly string[];
}

export const egressDefaults: EgressSettings = { allow: [], deny: [] };

interface Place {
  /** In a sentence behind "is". */
  readonly what: string;
  readonly networks: readonly string[];
}

/** Where no single server is, or this machine by a name that is not its own. */
const nowhere: readonly Place[] = [
  { what: 'an unspecified address', networks: ['0.0.0.0/8', '::/128'] },
  { what: 'a multicast address', networks: ['224.0.0.0/4', 'ff00::/8'] },
  { what: 'the broadcast address', networks: ['255.255.255.255/32'] },
];

/** Reached only where `allow` names a network that lies within: larger ones are not meant to have them. */
const unlessNamed: readonly Place[] = [
  {
    what: 'a metadata service',
    networks: [
      '169.254.169.254/32',
      '169.254.170.2/32', // credentials of ECS tasks
      '169.254.170.23/32', // of EKS pods
      'fd00:ec2::254/128',
      'fd00:ec2::23/128',
      'fd20:ce::254/128', // Google
      ...['100.100.100.200/32', 'fd00:100::100:200/128'], // Alibaba
      '168.63.129.16/32', // Azure
      ...['192.0.0.192/32', 'fd00:c1::a9fe:a9fe/128'], // Oracle
      ...['169.254.42.42/32', 'fd00:42::42/128'], // Scaleway
      ...['169.254.0.23/32', '169.254.10.10/32'], // Tencent
      'fd00:a9fe:a9fe::1/128', // Akamai
      'fe80::a9fe:a9fe/128', // OpenStack
    ],
  },
  { what: 'a link-local address', networks: ['169.254.0.0/16', 'fe80::/10'] },
  { what: 'behind a translator of local use', networks: ['64:ff9b:1::/48'] }, // to whom it cannot be told
];

const closedAnywhere = new Networks(
  [...nowhere, ...unlessNamed].flatMap((place) => place.networks),
);

const loopback = ['127.0.0.0/8', '::1/128'];

/** No plan may connect there; the message names the address and the rule. */
export class EgressRefused extends Error {
  override readonly name = 'EgressRefused';
}

interface Server {
  readonly host: string;
  readonly port: number;
}

type Ends = Pick<Socket, 'localAddress' | 'remoteAddress' | 'remotePort'>;

interface ClosedNetwork {
  readonly what: string;
  readonly network: Networks;
  /** Parts of it that are open all the same. */
  readonly open: Networks;
}

/** What the settings come to for one address, whatever the port. */
interface Verdict {
  /** The address, or the IPv4 one that it leads to. */
  readonly judged: string;
  readonly closed: string | undefined;
  readonly unlisted: string | undefined;
}

/** To judge an address costs some 10 µs, and each create and each firing asks for its own. */
const verdictsKept = 10_000;

/** Where plans may connect to. An address is judged as the IPv4 one that it leads to, if there is one. */
export class Egress {
  readonly #closed: readonly ClosedNetwork[];
  readonly #allow: Networks | undefined;
  readonly #deny: Networks;
  readonly #ownPorts = new Set<number>();
  readonly #verdicts = new BoundedCache<string, Verdict>(verdictsKept);
  readonly #ownAddresses: () => readonly string[];

  constructor({ allow, deny }: EgressSettings = egressDefaults, ownAddresses = machineAddresses) {
    this.#closed = [
      ...nowhere.flatMap((place) => closed(place, [])),
      ...unlessNamed.flatMap((place) => closed(place, allow)),
    ];
    this.#allow = allow.length === 0 ? undefined : new Networks(allow);
    this.#deny = new Networks(deny);
    this.#ownAddresses = ownAddresses;
  }

  /** The server itself listens on that port: no plan may reach it, by whatever address of this machine. */
  closeOwnPort(port: number): void {
    this.#ownPorts.add(port);
  }

  /** Why no plan may connect there; undefined when it may. */
  refusal(address: string, port: number): string | undefined {
    const { judged, closed, unlisted } = this.#verdictOf(address);
    if (closed !== undefined) return closed;
    if (this.#ownPorts.has(port) && this.#isOwnAddress(judged)) return ownPort(port);
    return unlisted;
  }

  /**
   * As refusal, of a connection that was made: to an address that no interface has told, the system takes
   * the same for our end when it is this machine's.
   */
  refusalOfEnds({ localAddress, remoteAddress, remotePort = 0 }: Ends): string | undefined {
    const isOwn = localAddress === remoteAddress && this.#ownPorts.has(remotePort);
    return isOwn ? ownPort(remotePort) : undefined;
  }

  /** Those that plans may connect to; throws EgressRefused when there is none. */
  reachable(addresses: readonly Address[], port: number): readonly Address[] {
    const open = addresses.filter(({ address }) => this.refusal(address, port) === undefined);
    const [first] = addresses;
    if (open.length > 0 || first === undefined) return open;
    throw new EgressRefused(this.refusal(first.address, port));
  }

  /** Refuses, when a plan is made, an address in it that it may not reach. A name is judged as it is resolved. */
  check(action: string, param: string, { host, port }: Server): void {
    const refusal = isIP(host) === 0 ? undefined : this.refusal(host, port);
    if (refusal === undefined) return;
    throw badArgument(
      `the param ${param} of the action ${action} leads where no plan may connect: ${refusal}; ` +
        'expected another address',
    );
  }

  #verdictOf(address: string): Verdict {
    const known = this.#verdicts.get(address);
    if (known !== undefined) return known;
    const verdict = this.#judge(address);
    this.#verdicts.set(address, verdict);
    return verdict;
  }

  #judge(address: string): Verdict {
    const given = plainAddress(address);
    const judged = ipv4Inside(given) ?? given;
    const place = closedAnywhere.has(judged)
      ? this.#closed.find(({ network, open }) => network.has(judged) && !open.has(judged))
      : undefined;
    const isDenied = this.#deny.has(judged) || this.#deny.has(given);
    const isAllowed = this.#allow?.has(judged) ?? true;
    return {
      judged,
      closed: place && `${judged} is ${place.what}`,
      unlisted: isDenied
        ? `--egress-deny has ${judged}`
        : isAllowed
          ? undefined
          : `--egress-allow has no network of ${judged}`,
    };
  }

  #isOwnAddress(address: string): boolean {
    return new Networks([...loopback, ...this.#ownAddresses()]).has(address);
  }
}

const ownPort = (port: number): string => `port ${port} is forsund's own`;

const closed = ({ what, networks }: Place, allow: readonly string[]): ClosedNetwork[] =>
  networks.map((outer) => ({
    what,
    network: new Networks([outer]),
    open: new Networks(allow.filter((network) => isWithin(network, outer))),
  }));

function isWithin(network: string, outer: string): boolean {
  const [inner, wide] = [networkOf(network), networkOf(outer)];
  if (inner === undefined || wide === undefined) return false;
  return new Networks([outer]).has(inner.address) && inner.bits >= wide.bits;
}

/** Of all interfaces that are up. */
const machineAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
