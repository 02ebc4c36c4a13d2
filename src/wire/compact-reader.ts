import { CompactBool, compactFirstByte, compactVersion, wireCodeOf } from './compact-code.ts';
import { BrokenMessage, moreNeeded } from './faults.ts';
import type { WireLimits } from './limits.ts';
import type { MessageHeader, WireReader } from './protocol.ts';
import { checkedLength, checkedSize, checkedType } from './reader-checks.ts';
import { textIn } from './text.ts';
import { WireCode } from './wire-code.ts';

const nothing = Buffer.alloc(0);

/** Reads TCompactProtocol: numbers as zigzag varints, field ids as steps from the field before. */
export class CompactReader implements WireReader {
  at = 0;
  fieldId = 0;
  keyType = 0;
  valueType = 0;
  #bytes: Buffer = nothing;
  #end = 0;
  /** Where field ids of the structs around this one stand. */
  #outerIds: number[] = [];
  /** What the field begun last says in its type, until it is read. */
  #boolField: boolean | undefined;
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
    this.fieldId = 0;
    this.#outerIds = [];
    this.#boolField = undefined;
    const start = this.#pass(2);
    const second = this.#bytes.readUInt8(start + 1);
    if (this.#bytes.readUInt8(start) !== compactFirstByte || (second & 0x1f) !== compactVersion) {
      throw new BrokenMessage('a compact header of version 1 was expected');
    }
    const type = checkedType(second >>> 5);
    const seqid = this.#varint32() | 0;
    const length = checkedLength(this.#varint32(), this.#limits.nameBytes, 'a name');
    const nameStart = this.#pass(length);
    return { name: this.#bytes.toString('utf8', nameStart, nameStart + length), type, seqid };
  }

  structBegin(): void {
    this.#outerIds.push(this.fieldId);
    this.fieldId = 0;
  }

  structEnd(): void {
    this.fieldId = this.#outerIds.pop() ?? 0;
  }

  fieldBegin(): number {
    const byte = this.#bytes.readUInt8(this.#pass(1));
    const compact = byte & 0x0f;
    const type = wireCodeOf(compact);
    if (type === WireCode.stop) return type;
    const step = byte >>> 4;
    this.fieldId = step === 0 ? this.readI16() : this.fieldId + step;
    if (type === WireCode.bool) this.#boolField = compact === CompactBool.yes;
    return type;
  }

  mapBegin(): number {
    const size = checkedSize(this.#varint32(), this.#limits.containerSize);
    if (size === 0) return 0;
    const types = this.#bytes.readUInt8(this.#pass(1));
    this.keyType = wireCodeOf(types >>> 4);
    this.valueType = wireCodeOf(types & 0x0f);
    return size;
  }

  listBegin(): number {
    const byte = this.#bytes.readUInt8(this.#pass(1));
    this.valueType = wireCodeOf(byte & 0x0f);
    const size = byte >>> 4;
    return checkedSize(size < 15 ? size : this.#varint32(), this.#limits.containerSize);
  }

  readBool(): boolean {
    const told = this.#boolField;
    if (told === undefined) return this.#bytes.readUInt8(this.#pass(1)) === CompactBool.yes;
    this.#boolField = undefined;
    return told;
  }

  readI16(): number {
    return this.readI32();
  }

  readI32(): number {
    const zigzag = this.#varint32();
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  readI64(): number {
    const end = this.#varintEnd(10);
    const first = this.#bytes.readUInt8(this.at);
    // Halved group by group: as one number, 2n or -2n - 1 could pass 2^53 and lose its sign.
    let half = (first & 0x7f) >>> 1;
    let weight = 2 ** 6;
    for (let at = this.at + 1; at < end; at++) {
      half += (this.#bytes.readUInt8(at) & 0x7f) * weight;
      weight *= 128;
    }
    this.at = end;
    return (first & 1) === 1 ? -half - 1 : half;
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
        this.readBool();
        return true;
      case WireCode.byte:
        this.#pass(1);
        return true;
      case WireCode.i16:
      case WireCode.i32:
      case WireCode.i64:
        this.at = this.#varintEnd(10);
        return true;
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
    return checkedLength(this.#varint32(), this.#limits.stringBytes, 'a string');
  }

  /** 0 to 2^32 - 1; as a length or size, what is past 2^31 is refused as any that is too large. */
  #varint32(): number {
    const end = this.#varintEnd(5);
    let value = 0;
    let weight = 1;
    for (let at = this.at; at < end; at++) {
      value += (this.#bytes.readUInt8(at) & 0x7f) * weight;
      weight *= 128;
    }
    if (value >= 2 ** 32) throw new BrokenMessage('a number of 32 bits was expected');
    this.at = end;
    return value;
  }

  /** Where the varint that begins here ends; its last byte has no upper bit. */
  #varintEnd(maxBytes: number): number {
    const limit = Math.min(this.at + maxBytes, this.#end);
    for (let at = this.at; at < limit; at++) {
      if (this.#bytes.readUInt8(at) < 0x80) return at + 1;
    }
    if (limit === this.at + maxBytes) {
      throw new BrokenMessage(`a number may have ${maxBytes} bytes, not more`);
    }
    throw moreNeeded;
  }

  /** Moves behind that many bytes; answers where they begin. */
  #pass(byteCount: number): number {
    const start = this.at;
    if (start + byteCount > this.#end) throw moreNeeded;
    this.at = start + byteCount;
    return start;
  }
}
