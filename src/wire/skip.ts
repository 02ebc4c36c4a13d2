import type { WireReader } from './protocol.ts';
import { WireCode } from './wire-code.ts';

/** Passes one value of a message that was walked through: its depth is known to be bounded. */
export function skip(reader: WireReader, type: number): void {
  if (reader.skipScalar(type)) return;
  if (type === WireCode.struct) skipStruct(reader);
  else if (type === WireCode.map) skipMap(reader);
  else skipList(reader);
}

function skipStruct(reader: WireReader): void {
  reader.structBegin();
  for (let type = reader.fieldBegin(); type !== WireCode.stop; type = reader.fieldBegin()) {
    skip(reader, type);
  }
  reader.structEnd();
}

function skipMap(reader: WireReader): void {
  const size = reader.mapBegin();
  const { keyType, valueType } = reader;
  for (let entry = 0; entry < size; entry++) {
    skip(reader, keyType);
    skip(reader, valueType);
  }
}

function skipList(reader: WireReader): void {
  const size = reader.listBegin();
  const { valueType } = reader;
  for (let entry = 0; entry < size; entry++) skip(reader, valueType);
}
