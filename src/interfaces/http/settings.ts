/** What the HTTP bridge may spend on its clients. */
export interface HttpSettings {
  /** Connections in all; at the cap the one that is idle longest makes room. */
  readonly connections: number;
  /** The same of one address. */
  readonly connectionsPerAddress: number;
  /** Request line and headers together. */
  readonly headerBytes: number;
  readonly bodyBytes: number;
  readonly replyBytes: number;
  /** Held for all connections: of bodies not answered and replies not taken. */
  readonly heldBytes: number;
  /** The headers must be whole that long after the first byte of a request, its body after the second. */
  readonly headerTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** A connection without a request is closed after that. */
  readonly idleTimeoutMs: number;
  /** Replies must be taken, bit by bit, within this. */
  readonly sendTimeoutMs: number;
  /** Requests of one connection that were sent before the one under way was answered. */
  readonly pipelined: number;
  /** Who is refused in the middle of a body may end it so long, and then read why. */
  readonly lingerMs: number;
  /** Requests that run when the server stops may take so long for their answers. */
  readonly closeTimeoutMs: number;
}

export const httpDefaults: HttpSettings = {
  connections: 10_000,
  connectionsPerAddress: 1_000,
  headerBytes: 16 * 1024,
  bodyBytes: 4 * 1024 * 1024,
  replyBytes: 16 * 1024 * 1024,
  heldBytes: 256 * 1024 * 1024,
  headerTimeoutMs: 10_000,
  requestTimeoutMs: 12_000,
  idleTimeoutMs: 60_000,
  sendTimeoutMs: 30_000,
  pipelined: 128,
  lingerMs: 2_000,
  closeTimeoutMs: 5_000,
};
