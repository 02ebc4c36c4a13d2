/** What a message may be, checked by what it announces, before any of it is kept or made a value. */
export interface WireLimits {
  /** Bytes of one message; of a frame, without its length. */
  readonly messageBytes: number;
  /** Bytes of one string. */
  readonly stringBytes: number;
  /** Bytes of a method's name. */
  readonly nameBytes: number;
  /** Entries of one map, set or list. */
  readonly containerSize: number;
  /** Structs and containers within each other, the argument struct being the first. */
  readonly depth: number;
}

export const wireDefaults: WireLimits = {
  messageBytes: 4 * 1024 * 1024,
  stringBytes: 1024 * 1024,
  nameBytes: 128,
  containerSize: 4096,
  depth: 8,
};
