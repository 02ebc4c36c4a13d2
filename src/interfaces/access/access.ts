import { isIP } from 'node:net';

import { Networks, plainAddress } from '../../core/networks.ts';

/** Decides, for every door alike, whom the server serves. */
export interface Access {
  /** Why a connection from that address is not served, for its client to read; undefined when it is. */
  refusal(address: string): string | undefined;
}

const loopback = new Networks(['127.0.0.0/8', '::1']);

/** True for what only this machine can reach: a listener there, or a peer from there. */
export const isLoopback = (address: string): boolean =>
  address === 'localhost' || loopback.has(address);

/**
 * Protected mode: beyond loopback, a peer is served only from a network that is trusted. Networks are
 * addresses and CIDRs; bad_argument names one that is neither.
 */
export function protectedMode(trustedNetworks: readonly string[]): Access {
  const trusted = new Networks(trustedNetworks);
  return {
    refusal: (address) =>
      loopback.has(address) || trusted.has(address) ? undefined : refusalOf(address),
  };
}

function refusalOf(address: string): string {
  const plain = plainAddress(address);
  const network = `${plain}/${isIP(plain) === 6 ? 128 : 32}`;
  return (
    `forsund is in protected mode: it serves loopback and trusted networks, and ${plain} is in none. ` +
    `To serve it, start forsund with --trust-network ${network} (or FORSUN_TRUST_NETWORK=${network})`
  );
}
