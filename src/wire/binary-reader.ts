import { BrokenMessage, moreNeeded } from './faults.ts';
import type { WireLimits } from './limits.ts';
import type { MessageHeader, WireReader } from './protocol.ts';
import { checkedLength, checkedSize, checkedType } from './reader-checks.ts';
import { textIn } from './text.ts';
import { WireCode } from './wire-code.ts';

const nothing = Buffer.alloc(0);
const version1 = 0x800100;

/** Reads TBinaryProtocol with strict headers: big-endian, every length in four bytes. */
export class BinaryReader implements WireReader {
  at = 0;
  fieldId = 0;
  keyType = 0;
  valueType = 0;
  #bytes: Buffer = nothing;
  #end = 0;
  readonly #limits: WireLimits;

  constructor(limits: WireLimits) {
    this.#limits = limits;
  }

  open(bytes: Buffer, at: number, end: number): void {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  readHeader(): MessageHeader {
    const version = this.#bytes.readUInt32BE(this.#pass(4));
    if (version >>> 8 !== version1) {
      throw new BrokenMessage(`a strict binary header was expected, not ${version.toString(16)}`);
    }
    const type = checkedType(version & 0xff);
    const length = checkedLength(this.readI32(), this.#limits.nameBytes, 'a name');
    const start = this.#pass(length);
    const seqid = this.readI32();
    // A name is only compared and shown, so what is not UTF-8 in it does no harm.
    return { name: this.#bytes.toString('utf8', start, start + length), type, seqid };
  }

  structBegin(): void {
    // Nothing marks it.
  }

  structEnd(): void {
    // Nor this.
  }

  fieldBegin(): number {
    const start = this.#pass(1);
    const type = this.#bytes.readUInt8(start);
    if (type !== WireCode.stop) this.fieldId = this.#bytes.readInt16BE(this.#pass(2));
    return type;
  }

  mapBegin(): number {
    const start = this.#pass(6);
    this.keyType = this.#bytes.readUInt8(start);
    this.valueType = this.#bytes.readUInt8(start + 1);
    return checkedSize(this.#bytes.readInt32BE(start + 2), this.#limits.containerSize);
  }

  listBegin(): number {
    const start = this.#pass(5);
    this.valueType = this.#bytes.readUInt8(start);
    return checkedSize(this.#bytes.readInt32BE(start + 1), this.#limits.containerSize);
  }

  readBool(): boolean {
    return this.#bytes.readUInt8(this.#pass(1)) !== 0;
  }

  readI16(): number {
    return this.#bytes.readInt16BE(this.#pass(2));
  }

  readI32(): number {
    return this.#bytes.readInt32BE(this.#pass(4));
  }

  readI64(): number {
    const start = this.#pass(8);
    return this.#bytes.readInt32BE(start) * 2 ** 32 + this.#bytes.readUInt32BE(start + 4);
  }

  readText(): string {
    const length = this.#textLength();
    const start = this.#pass(length);
    return textIn(this.#bytes, start, start + length);
  }

  skipScalar(type: number): boolean {
    switch (type) {
      case WireCode.text:
        this.#pass(this.#textLength());
        return true;
      case WireCode.bool:
      case WireCode.byte:
        this.#pass(1);
        return true;
      case WireCode.i16:
        this.#pass(2);
        return true;
      case WireCode.i32:
        this.#pass(4);
        return true;
      case WireCode.i64:
      case WireCode.double:
        this.#pass(8);
        return true;
      case WireCode.uuid:
        this.#pass(16);
        return true;
      default:
        return false;
    }
  }

  #textLength(): number {
    return checkedLength(this.readI32(), this.#limits.stringBytes, 'a string');
  }

  /** Moves behind that many bytes; answers where they begin. */
  #pass(byteCount: number): number {
    const start = this.at;
    if (start + byteCount > this.#end) throw moreNeeded;
    this.at = start + byteCount;
    return start;
  }
}
