/**
 * A value of msgpack. Raws stay bytes: the original's packer wrote text and bytes alike, and only who knows
 * what it wrote can tell.
 */
export type Packed = null | boolean | number | Buffer | readonly Packed[] | PackedMap;

/** In the order in which it was packed; keys may be of any kind, and come twice. */
export class PackedMap {
  readonly entries: readonly (readonly [Packed, Packed])[];

  constructor(entries: PackedMap['entries']) {
    this.entries = entries;
  }

  /** The values by those keys that are texts; of several under one key, the last. */
  byName(): ReadonlyMap<string, Packed> {
    return new Map(
      this.entries.flatMap(([key, value]) =>
        key instanceof Buffer ? [[key.toString('latin1'), value] as const] : [],
      ),
    );
  }
}

/** These bytes are no msgpack, or none that the original writes. */
export class BadMsgpack extends Error {
  override readonly name = 'BadMsgpack';
}

/** What a value begins with: itself, or how many bytes, values or pairs follow. */
export type Head =
  | { readonly kind: 'value'; readonly value: null | boolean | number }
  | { readonly kind: 'raw' | 'array' | 'map'; readonly length: number };

/** How many bytes of the head stand behind its first. */
export function headTail(first: number): number {
  return tails.get(first) ?? 0;
}

/** By the first byte; of a raw, an array or a map it is the width of its length. */
const tails: ReadonlyMap<number, number> = new Map([
  ...([0xc4, 0xcc, 0xd0, 0xd9] as const).map((byte) => [byte, 1] as const),
  ...([0xc5, 0xcd, 0xd1, 0xda, 0xdc, 0xde] as const).map((byte) => [byte, 2] as const),
  ...([0xc6, 0xca, 0xce, 0xd2, 0xdb, 0xdd, 0xdf] as const).map((byte) => [byte, 4] as const),
  ...([0xcb, 0xcf, 0xd3] as const).map((byte) => [byte, 8] as const),
]);

/** The head of that first byte and its tail; throws BadMsgpack. */
export function headOf(first: number, tail: Buffer): Head {
  if (first <= 0x7f) return { kind: 'value', value: first };
  if (first <= 0x8f) return { kind: 'map', length: first & 0x0f };
  if (first <= 0x9f) return { kind: 'array', length: first & 0x0f };
  if (first <= 0xbf) return { kind: 'raw', length: first & 0x1f };
  if (first >= 0xe0) return { kind: 'value', value: first - 0x100 };
  const unsigned = (): number => tail.readUIntBE(0, tail.length);
  switch (first) {
    case 0xc0:
      return { kind: 'value', value: null };
    case 0xc2:
    case 0xc3:
      return { kind: 'value', value: first === 0xc3 };
    case 0xca:
      return { kind: 'value', value: tail.readFloatBE() };
    case 0xcb:
      return { kind: 'value', value: tail.readDoubleBE() };
    case 0xcf:
      return { kind: 'value', value: Number(tail.readBigUInt64BE()) };
    case 0xd3:
      return { kind: 'value', value: Number(tail.readBigInt64BE()) };
    case 0xcc:
    case 0xcd:
    case 0xce:
      return { kind: 'value', value: unsigned() };
    case 0xd0:
    case 0xd1:
    case 0xd2:
      return { kind: 'value', value: tail.readIntBE(0, tail.length) };
    case 0xc4:
    case 0xc5:
    case 0xc6:
    case 0xd9:
    case 0xda:
    case 0xdb:
      return { kind: 'raw', length: unsigned() };
    case 0xdc:
    case 0xdd:
      return { kind: 'array', length: unsigned() };
    case 0xde:
    case 0xdf:
      return { kind: 'map', length: unsigned() };
    default:
      throw new BadMsgpack(`it has a value of type 0x${first.toString(16)}`);
  }
}

/** Plans are two deep; what is deeper is not for us to follow. */
const maxDepth = 8;

/** The one value that these bytes are; throws BadMsgpack. */
export function unpack(bytes: Buffer): Packed {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (!reader.isAtEnd) throw new BadMsgpack('there is more behind it');
  return value;
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(depth: number): Packed {
    if (depth > maxDepth) throw new BadMsgpack('it is nested too deeply');
    const first = this.#take(1).readUInt8();
    const head = headOf(first, this.#take(headTail(first)));
    switch (head.kind) {
      case 'value':
        return head.value;
      case 'raw':
        return this.#take(head.length);
      case 'array':
        return this.#many(head.length, () => this.value(depth + 1));
      case 'map':
        return new PackedMap(
          this.#many(head.length, () => [this.value(depth + 1), this.value(depth + 1)] as const),
        );
      default:
        return head satisfies never;
    }
  }

  #many<T>(length: number, read: () => T): readonly T[] {
    const values: T[] = []; // grows with what is there, not with what is announced
    for (let n = 0; n < length; n += 1) values.push(read());
    return values;
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new BadMsgpack('it ends too early');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
