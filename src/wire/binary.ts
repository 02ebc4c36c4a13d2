import { BinaryReader } from './binary-reader.ts';
import { BinaryWriter } from './binary-writer.ts';
import type { Protocol } from './protocol.ts';

export const binary: Protocol = {
  name: 'binary',
  firstByte: 0x80,
  createReader: (limits) => new BinaryReader(limits),
  createWriter: (output) => new BinaryWriter(output),
};
