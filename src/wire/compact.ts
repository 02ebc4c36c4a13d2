import { compactFirstByte } from './compact-code.ts';
import { CompactReader } from './compact-reader.ts';
import { CompactWriter } from './compact-writer.ts';
import type { Protocol } from './protocol.ts';

export const compact: Protocol = {
  name: 'compact',
  firstByte: compactFirstByte,
  createReader: (limits) => new CompactReader(limits),
  createWriter: (output) => new CompactWriter(output),
};
