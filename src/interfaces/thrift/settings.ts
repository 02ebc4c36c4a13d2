import { type WireLimits, wireDefaults } from '../../wire/limits.ts';

/** What the Thrift door may spend on its clients. */
export interface ThriftSettings {
  readonly wire: WireLimits;
  /** Connections in all; at the cap the one that is idle longest makes room. */
  readonly connections: number;
  /** The same of one address. */
  readonly connectionsPerAddress: number;
  /** Calls of one connection that were begun or wait to be, and bytes of them. */
  readonly callsInFlight: number;
  readonly bytesInFlight: number;
  readonly replyBytes: number;
  /** No call of a connection is started while more than this was not taken of its replies. */
  readonly unsentBytes: number;
  /** Held for all connections: of messages not whole, calls in flight and replies not taken. */
  readonly heldBytes: number;
  /** A message must be whole that long after its first byte. */
  readonly messageTimeoutMs: number;
  /** Replies must be taken, bit by bit, within this. */
  readonly sendTimeoutMs: number;
  /** What is refused is told why, and may read that so long. */
  readonly lingerMs: number;
  /** Calls that run when the server stops may take so long for their answers. */
  readonly closeTimeoutMs: number;
}

export const thriftDefaults: ThriftSettings = {
  wire: wireDefaults,
  connections: 10_000,
  connectionsPerAddress: 1_000,
  callsInFlight: 128,
  bytesInFlight: 4 * 1024 * 1024,
  replyBytes: 16 * 1024 * 1024,
  unsentBytes: 1024 * 1024,
  heldBytes: 256 * 1024 * 1024,
  messageTimeoutMs: 10_000,
  sendTimeoutMs: 30_000,
  lingerMs: 2_000,
  closeTimeoutMs: 5_000,
};
