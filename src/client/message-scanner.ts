/** What comes is no reply of ours, or more than we take: the connection is of no further use. */
export class BrokenReply extends Error {
  override readonly name = 'BrokenReply';
}

/** What is still to come of a message: a struct's fields, or so many values of these types in turn. */
type Expected =
  | { readonly kind: 'fields' }
  | { readonly kind: 'values'; readonly types: readonly number[]; left: number };

/**
 * Cuts a stream of unframed binary Thrift into messages. The package's own receiver reads a message again
 * from its start with every packet, which takes minutes for a large one; this looks at each byte once.
 */
export class MessageScanner {
  readonly #maxBytes: number;
  #buffer = Buffer.alloc(16 * 1024);
  /** In the buffer: where the message begins, how far it has been followed, where the input ends. */
  #start = 0;
  #at = 0;
  #end = 0;
  /** Innermost last; undefined before the message's header. */
  #expected: Expected[] | undefined;
  /** Bytes of a value that need no look. */
  #pass = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The messages that this packet completes, in order; throws BrokenReply. */
  *push(packet: Buffer): Generator<Buffer, void> {
    this.#append(packet);
    while (this.#follow()) {
      yield Buffer.from(this.#buffer.subarray(this.#start, this.#at));
      this.#start = this.#at;
      this.#expected = undefined;
    }
    if (this.#end - this.#start > this.#maxBytes) {
      throw new BrokenReply(`a reply of more than ${this.#maxBytes} bytes`);
    }
  }

  #append(packet: Buffer): void {
    if (this.#end + packet.length > this.#buffer.length) {
      const kept = this.#end - this.#start;
      const room = Math.max(2 * (kept + packet.length), 16 * 1024);
      const next = Buffer.alloc(room);
      this.#buffer.copy(next, 0, this.#start, this.#end);
      this.#buffer = next;
      this.#at -= this.#start;
      this.#start = 0;
      this.#end = kept;
    }
    packet.copy(this.#buffer, this.#end);
    this.#end += packet.length;
  }

  /** Follows the message to its end: true; or to the end of the input: false. */
  #follow(): boolean {
    if (this.#expected === undefined && !this.#passHeader()) return false;
    const expected = this.#expected ?? [];
    for (;;) {
      const passed = Math.min(this.#pass, this.#end - this.#at);
      this.#at += passed;
      this.#pass -= passed;
      if (this.#pass > 0) return false;

      const innermost = expected.at(-1);
      if (innermost === undefined) return true;
      const isEnough =
        innermost.kind === 'fields'
          ? this.#passField(expected)
          : this.#passElement(expected, innermost);
      if (!isEnough) return false;
    }
  }

  #passHeader(): boolean {
    if (!this.#has(8)) return false;
    // 0x8001: strict binary protocol. Kind and name are the generated code's to judge.
    if (this.#buffer.readUInt16BE(this.#at) !== 0x8001) throw new BrokenReply('not a Thrift reply');
    const nameBytes = this.#size(this.#at + 4);
    this.#at += 8;
    this.#pass = nameBytes + 4;
    this.#expected = [{ kind: 'fields' }];
    return true;
  }

  #passField(expected: Expected[]): boolean {
    if (!this.#has(1)) return false;
    const type = this.#buffer.readUInt8(this.#at);
    if (type === Wire.stop) {
      this.#at += 1;
      expected.pop();
      return true;
    }
    return this.#passValue(expected, type, 3);
  }

  #passElement(expected: Expected[], values: Expected & { kind: 'values' }): boolean {
    const { types, left } = values;
    if (left === 0) {
      expected.pop();
      return true;
    }
    const type = types[(types.length - (left % types.length)) % types.length] ?? Wire.stop;
    if (!this.#passValue(expected, type, 0)) return false;
    values.left--;
    return true;
  }

  /** Passes what stands before a value and its own head; what is inside is then expected. */
  #passValue(expected: Expected[], type: number, before: number): boolean {
    const head = headBytes[type];
    if (head === undefined) throw new BrokenReply(`no value has the type ${type}`);
    if (!this.#has(before + head)) return false;
    const value = this.#at + before;
    this.#at = value + head;
    if (type === Wire.string) this.#pass = this.#size(value);
    if (type === Wire.struct) this.#open(expected, { kind: 'fields' });
    if (type === Wire.list || type === Wire.set) {
      const types = [this.#buffer.readUInt8(value)];
      this.#open(expected, { kind: 'values', types, left: this.#size(value + 1) });
    }
    if (type === Wire.map) {
      const types = [this.#buffer.readUInt8(value), this.#buffer.readUInt8(value + 1)];
      this.#open(expected, { kind: 'values', types, left: 2 * this.#size(value + 2) });
    }
    return true;
  }

  #open(expected: Expected[], inside: Expected): void {
    if (expected.length === maxDepth) throw new BrokenReply('a reply nested too deep');
    expected.push(inside);
  }

  #has(bytes: number): boolean {
    return this.#end - this.#at >= bytes;
  }

  #size(at: number): number {
    const size = this.#buffer.readInt32BE(at);
    if (size < 0 || size > this.#maxBytes)
      throw new BrokenReply(`a reply with a part of size ${size}`);
    return size;
  }
}

const maxDepth = 16;

const Wire = { stop: 0, string: 11, struct: 12, map: 13, set: 14, list: 15 } as const;

/** By type: the bytes of a value, or of what stands before its contents. */
const headBytes: Readonly<Record<number, number>> = {
  2: 1, // bool
  3: 1, // byte
  4: 8, // double
  6: 2, // i16
  8: 4, // i32
  10: 8, // i64
  [Wire.string]: 4,
  [Wire.struct]: 0,
  [Wire.map]: 6,
  [Wire.set]: 5,
  [Wire.list]: 5,
};
