/** A text of so many UTF-16 units fits 127 bytes of UTF-8. */
const shortText = 42;

/**
 * Appends numbers and texts to slabs of bytes. `take` hands out what was written since the last one; that
 * is never written again, so it may be kept.
 */
export class ByteWriter {
  readonly #slabBytes: number;
  #slab: Buffer;
  #start = 0;
  #at = 0;

  constructor(slabBytes = 64 * 1024) {
    this.#slabBytes = slabBytes;
    this.#slab = Buffer.allocUnsafeSlow(slabBytes);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#slab[this.#at++] = value;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#at = this.#slab.writeUInt32LE(value, this.#at);
  }

  /** A whole number from 0 to 2^53 - 1, seven bits a byte, the lowest first. */
  varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new TypeError(`a varint is a whole number from 0 to 2^53 - 1, not ${value}`);
    }
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7fffffff) {
      this.#slab[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.#slab[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#slab[this.#at++] = rest;
  }

  /** A whole number of either sign, near zero in few bytes. */
  signed(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  /** UTF-8 behind its length in bytes. */
  text(value: string): void {
    const length = value.length > shortText ? Buffer.byteLength(value) : 0;
    if (length > 0) {
      this.varint(length);
      this.#reserve(length);
      this.#at += this.#slab.write(value, this.#at);
      return;
    }
    // At most three bytes a UTF-16 unit: a short text's length fits one byte, known after writing.
    this.#reserve(1 + value.length * 3);
    const written = this.#slab.write(value, this.#at + 1);
    this.#slab[this.#at] = written;
    this.#at += 1 + written;
  }

  /** Bytes since the last take. */
  get length(): number {
    return this.#at - this.#start;
  }

  take(): Buffer {
    const taken = this.#slab.subarray(this.#start, this.#at);
    this.#start = this.#at;
    return taken;
  }

  /** Forgets what was written since the last take: after a write that threw half-way. */
  drop(): void {
    this.#at = this.#start;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#slab.length) return;
    const begun = this.length;
    const slab = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, (begun + bytes) * 2));
    this.#slab.copy(slab, 0, this.#start, this.#at);
    this.#slab = slab;
    this.#start = 0;
    this.#at = begun;
  }
}

/** Reads back what a ByteWriter wrote; throws a RangeError where the bytes end too early. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new RangeError(`nothing at byte ${this.#at}`);
    this.#at++;
    return value;
  }

  varint(): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
      unit *= 128;
      if (unit > 2 ** 49) throw new RangeError(`a number without end at byte ${this.#at}`);
    }
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  text(): string {
    const length = this.varint();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError(`a text of ${length} bytes ends too early`);
    const value = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end;
    return value;
  }

  get rest(): number {
    return this.#bytes.length - this.#at;
  }
}
