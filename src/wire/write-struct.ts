import type { WireWriter } from './protocol.ts';
import type { Fields, StructDraft, StructType, WireType } from './schema.ts';
import { WireCode } from './wire-code.ts';

/**
 * Writes the fields that have a value, in the table's order. An i16 or i32 that cannot hold its number
 * holds the nearest it can. A value that is not of its field's type is a bug, so a TypeError.
 */
export function writeStruct<F extends Fields>(
  writer: WireWriter,
  type: StructType<F>,
  value: StructDraft<F>,
): void {
  writeFields(writer, type, value);
}

function writeFields(
  writer: WireWriter,
  type: StructType<Fields>,
  value: Readonly<Record<string, unknown>>,
): void {
  writer.structBegin();
  for (const { name, id, type: fieldType } of type.list) {
    const fieldValue = value[name];
    if (fieldValue === undefined) continue;
    if (fieldType.kind === 'bool') {
      writer.boolField(id, fieldValue === true);
    } else {
      writer.fieldBegin(fieldType.code, id);
      writeValue(writer, fieldType, fieldValue);
    }
  }
  writer.structEnd();
}

function writeValue(
  writer: WireWriter,
  type: Exclude<WireType, { kind: 'bool' }>,
  value: unknown,
): void {
  switch (type.kind) {
    case 'i16':
      writer.writeI16(saturated(value, 2 ** 15));
      break;
    case 'i32':
      writer.writeI32(saturated(value, 2 ** 31));
      break;
    case 'i64':
      writer.writeI64(saturated(value, 2 ** 53));
      break;
    case 'text':
      writer.writeText(asText(value));
      break;
    case 'textMap':
      writeTextMap(writer, value);
      break;
    case 'textList':
      writeList(writer, WireCode.text, value, (entry) => writer.writeText(asText(entry)));
      break;
    case 'struct':
      writeFields(writer, type, asStruct(value));
      break;
    case 'structList':
      writeList(writer, WireCode.struct, value, (entry) =>
        writeFields(writer, type.element, asStruct(entry)),
      );
      break;
    default:
      return type satisfies never;
  }
}

function writeTextMap(writer: WireWriter, value: unknown): void {
  if (!(value instanceof Map)) throw new TypeError('a map was to be written');
  writer.mapBegin(WireCode.text, WireCode.text, value.size);
  for (const [name, entry] of value) {
    writer.writeText(asText(name));
    writer.writeText(asText(entry));
  }
}

function writeList(
  writer: WireWriter,
  elementType: number,
  value: unknown,
  writeElement: (element: unknown) => void,
): void {
  if (!Array.isArray(value)) throw new TypeError('a list was to be written');
  writer.listBegin(elementType, value.length);
  for (const element of value) writeElement(element);
}

/** -limit to limit - 1; past 2^53 a number of ours is not exact, so i64 ends there. */
function saturated(value: unknown, limit: number): number {
  if (typeof value !== 'number') throw new TypeError('a number was to be written');
  return Math.max(-limit, Math.min(value, limit - 1));
}

function asText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('a string was to be written');
  return value;
}

function asStruct(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null)
    throw new TypeError('a struct was to be written');
  return value as Readonly<Record<string, unknown>>;
}
