import type { WireLimits } from './limits.ts';
import type { OutputBuffer } from './output-buffer.ts';

export interface MessageHeader {
  readonly name: string;
  /** One of MessageType; readers refuse any other. */
  readonly type: number;
  readonly seqid: number;
}

/**
 * Reads tokens from bytes it is given. Throws moreNeeded at the end of the bytes, having moved nothing that
 * cannot be set back by `at` (MessageWalk does so); throws BrokenMessage on what no protocol allows.
 */
export interface WireReader {
  /** Where the next token begins. */
  at: number;
  /** Id of the field whose beginning was read last. */
  readonly fieldId: number;
  /** Types of what the container begun last holds: a list has only values. */
  readonly keyType: number;
  readonly valueType: number;

  /** Reads on in [at, end) of the bytes, which are not copied. */
  open(bytes: Buffer, at: number, end: number): void;
  readHeader(): MessageHeader;
  structBegin(): void;
  structEnd(): void;
  /** Its type, a WireCode; stop when the struct has no more. */
  fieldBegin(): number;
  /** Its size. */
  mapBegin(): number;
  /** Its size; the same for sets. */
  listBegin(): number;
  readBool(): boolean;
  readI16(): number;
  readI32(): number;
  /** What a double cannot hold is rounded. */
  readI64(): number;
  /** RefusedValue when it is not UTF-8. */
  readText(): string;
  /** Passes one value that is no struct and no container; false for a type that is one of these. */
  skipScalar(type: number): boolean;
}

/** Writes tokens behind what the output holds. Numbers must fit their type: struct-codec.ts sees to it. */
export interface WireWriter {
  readonly output: OutputBuffer;

  writeHeader(header: MessageHeader): void;
  structBegin(): void;
  structEnd(): void;
  fieldBegin(type: number, id: number): void;
  boolField(id: number, value: boolean): void;
  mapBegin(keyType: number, valueType: number, size: number): void;
  listBegin(elementType: number, size: number): void;
  writeI16(value: number): void;
  writeI32(value: number): void;
  writeI64(value: number): void;
  writeText(value: string): void;
}

/** One of Thrift's encodings. */
export interface Protocol {
  readonly name: 'binary' | 'compact';
  /** The byte that every message begins with. */
  readonly firstByte: number;
  createReader(limits: WireLimits): WireReader;
  createWriter(output: OutputBuffer): WireWriter;
}
