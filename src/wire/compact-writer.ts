import { CompactBool, compactCodeOf, compactFirstByte, compactVersion } from './compact-code.ts';
import type { OutputBuffer } from './output-buffer.ts';
import type { MessageHeader, WireWriter } from './protocol.ts';
import { WireCode } from './wire-code.ts';

/** Writes TCompactProtocol. */
export class CompactWriter implements WireWriter {
  readonly output: OutputBuffer;
  #fieldId = 0;
  #outerIds: number[] = [];

  constructor(output: OutputBuffer) {
    this.output = output;
  }

  writeHeader({ name, type, seqid }: MessageHeader): void {
    this.#fieldId = 0;
    this.#outerIds = [];
    this.#writeByte(compactFirstByte);
    this.#writeByte((type << 5) | compactVersion);
    this.#writeVarint32(seqid);
    this.writeText(name);
  }

  structBegin(): void {
    this.#outerIds.push(this.#fieldId);
    this.#fieldId = 0;
  }

  structEnd(): void {
    this.#writeByte(WireCode.stop);
    this.#fieldId = this.#outerIds.pop() ?? 0;
  }

  fieldBegin(type: number, id: number): void {
    this.#writeField(compactCodeOf(type), id);
  }

  boolField(id: number, value: boolean): void {
    this.#writeField(value ? CompactBool.yes : CompactBool.no, id);
  }

  mapBegin(keyType: number, valueType: number, size: number): void {
    this.#writeVarint32(size);
    if (size > 0) this.#writeByte((compactCodeOf(keyType) << 4) | compactCodeOf(valueType));
  }

  listBegin(elementType: number, size: number): void {
    this.#writeByte((Math.min(size, 15) << 4) | compactCodeOf(elementType));
    if (size >= 15) this.#writeVarint32(size);
  }

  writeI16(value: number): void {
    this.writeI32(value);
  }

  writeI32(value: number): void {
    this.#writeVarint32((value << 1) ^ (value >> 31));
  }

  writeI64(value: number): void {
    const high = Math.floor(value / 2 ** 32) | 0;
    const sign = high >> 31;
    let low = ((value << 1) ^ sign) >>> 0;
    let rest = (((high << 1) | ((value >>> 31) & 1)) ^ sign) >>> 0;
    while (rest > 0) {
      this.#writeByte((low & 0x7f) | 0x80);
      low = ((low >>> 7) | (rest << 25)) >>> 0;
      rest >>>= 7;
    }
    this.#writeVarint32(low);
  }

  writeText(value: string): void {
    const { output } = this;
    const length = Buffer.byteLength(value);
    this.#writeVarint32(length);
    output.reserve(length);
    output.bytes.write(value, output.length);
    output.length += length;
  }

  #writeField(compact: number, id: number): void {
    const step = id - this.#fieldId;
    if (step > 0 && step < 16) {
      this.#writeByte((step << 4) | compact);
    } else {
      this.#writeByte(compact);
      this.writeI16(id);
    }
    this.#fieldId = id;
  }

  #writeVarint32(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.#writeByte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.#writeByte(rest);
  }

  #writeByte(value: number): void {
    this.output.reserve(1);
    this.output.bytes[this.output.length++] = value;
  }
}
