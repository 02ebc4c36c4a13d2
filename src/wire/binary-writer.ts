import type { OutputBuffer } from './output-buffer.ts';
import type { MessageHeader, WireWriter } from './protocol.ts';
import { WireCode } from './wire-code.ts';

/** Writes TBinaryProtocol with strict headers. */
export class BinaryWriter implements WireWriter {
  readonly output: OutputBuffer;

  constructor(output: OutputBuffer) {
    this.output = output;
  }

  writeHeader({ name, type, seqid }: MessageHeader): void {
    this.writeI32(0x80010000 | type);
    this.writeText(name);
    this.writeI32(seqid);
  }

  structBegin(): void {
    // Nothing marks it.
  }

  structEnd(): void {
    this.#writeByte(WireCode.stop);
  }

  fieldBegin(type: number, id: number): void {
    this.#writeByte(type);
    this.writeI16(id);
  }

  boolField(id: number, value: boolean): void {
    this.fieldBegin(WireCode.bool, id);
    this.#writeByte(value ? 1 : 0);
  }

  mapBegin(keyType: number, valueType: number, size: number): void {
    this.#writeByte(keyType);
    this.#writeByte(valueType);
    this.writeI32(size);
  }

  listBegin(elementType: number, size: number): void {
    this.#writeByte(elementType);
    this.writeI32(size);
  }

  writeI16(value: number): void {
    this.output.reserve(2);
    const { bytes, length } = this.output;
    bytes[length] = value >> 8;
    bytes[length + 1] = value;
    this.output.length = length + 2;
  }

  writeI32(value: number): void {
    this.output.reserve(4);
    const { bytes, length } = this.output;
    bytes[length] = value >> 24;
    bytes[length + 1] = value >> 16;
    bytes[length + 2] = value >> 8;
    bytes[length + 3] = value;
    this.output.length = length + 4;
  }

  writeI64(value: number): void {
    this.writeI32(Math.floor(value / 2 ** 32));
    this.writeI32(value);
  }

  writeText(value: string): void {
    const { output } = this;
    output.reserve(4 + value.length * 3); // a UTF-16 unit is at most three bytes of UTF-8
    const start = output.length;
    const length = output.bytes.write(value, start + 4);
    this.writeI32(length);
    output.length = start + 4 + length;
  }

  #writeByte(value: number): void {
    this.output.reserve(1);
    this.output.bytes[this.output.length++] = value;
  }
}
