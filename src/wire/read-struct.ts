import type { WireReader } from './protocol.ts';
import type { Fields, StructType, StructValue, WireType } from './schema.ts';
import { skip } from './skip.ts';
import { WireCode } from './wire-code.ts';

/**
 * The struct that begins here, in a message that was walked through. Fields that are unknown, or come with
 * another type than declared, are passed over; of a field or map key given twice the last one counts.
 */
export function readStruct<F extends Fields>(
  reader: WireReader,
  type: StructType<F>,
): StructValue<F> {
  const value: Record<string, unknown> = { ...type.defaults };
  reader.structBegin();
  for (let code = reader.fieldBegin(); code !== WireCode.stop; code = reader.fieldBegin()) {
    const declared = type.byId.get(reader.fieldId);
    if (declared?.type.code === code) {
      value[declared.name] = readValue(reader, declared.type) ?? value[declared.name];
    } else {
      skip(reader, code);
    }
  }
  reader.structEnd();
  return value as StructValue<F>; // the table says both what was read and what its type is
}

/** Undefined when a container holds others than declared: it is passed over. */
function readValue(reader: WireReader, type: WireType): unknown {
  switch (type.kind) {
    case 'bool':
      return reader.readBool();
    case 'i16':
      return reader.readI16();
    case 'i32':
      return reader.readI32();
    case 'i64':
      return reader.readI64();
    case 'text':
      return reader.readText();
    case 'textMap':
      return readTextMap(reader);
    case 'textList':
      return readList(reader, WireCode.text, () => reader.readText());
    case 'struct':
      return readStruct(reader, type);
    case 'structList':
      return readList(reader, WireCode.struct, () => readStruct(reader, type.element));
    default:
      return type satisfies never;
  }
}

function readTextMap(reader: WireReader): ReadonlyMap<string, string> | undefined {
  const size = reader.mapBegin();
  const { keyType, valueType } = reader;
  const entries = new Map<string, string>();
  const isText = keyType === WireCode.text && valueType === WireCode.text;
  for (let entry = 0; entry < size; entry++) {
    if (isText) {
      const name = reader.readText();
      entries.set(name, reader.readText());
    } else {
      skip(reader, keyType);
      skip(reader, valueType);
    }
  }
  return isText || size === 0 ? entries : undefined;
}

function readList(
  reader: WireReader,
  elementType: number,
  readElement: () => unknown,
): readonly unknown[] | undefined {
  const size = reader.listBegin();
  const { valueType } = reader;
  const elements: unknown[] = [];
  for (let entry = 0; entry < size; entry++) {
    if (valueType === elementType) elements.push(readElement());
    else skip(reader, valueType);
  }
  return elements.length === size ? elements : undefined;
}
