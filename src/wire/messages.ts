import { readStruct } from './read-struct.ts';
import type { MessageHeader, WireReader, WireWriter } from './protocol.ts';
import {
  field,
  type Fields,
  i32,
  struct,
  type StructDraft,
  type StructType,
  type StructValue,
  text,
} from './schema.ts';
import { MessageType } from './wire-code.ts';
import { writeStruct } from './write-struct.ts';

/** Thrift's own refusal of a call; type is one of ExceptionType. */
export const applicationException = struct({ message: field(1, text), type: field(2, i32) });
export type ApplicationException = StructValue<typeof applicationException.fields>;

/** A method as a table names it; that of forsun.ts, or another service's. */
export interface Method<A extends Fields, R extends Fields> {
  readonly args: StructType<A>;
  readonly result: StructType<R>;
}

export function writeCall<A extends Fields>(
  writer: WireWriter,
  header: Pick<MessageHeader, 'name' | 'seqid'>,
  method: Method<A, Fields>,
  args: StructDraft<A>,
): void {
  writer.writeHeader({ ...header, type: MessageType.call });
  writeStruct(writer, method.args, args);
}

export function writeReply<R extends Fields>(
  writer: WireWriter,
  header: Pick<MessageHeader, 'name' | 'seqid'>,
  method: Method<Fields, R>,
  result: StructDraft<R>,
): void {
  writer.writeHeader({ ...header, type: MessageType.reply });
  writeStruct(writer, method.result, result);
}

export function writeException(
  writer: WireWriter,
  header: Pick<MessageHeader, 'name' | 'seqid'>,
  type: number,
  message: string,
): void {
  writer.writeHeader({ ...header, type: MessageType.exception });
  writeStruct(writer, applicationException, { message, type });
}

/** What came back for a call: the method's result struct, or Thrift's exception in its place. */
export type Reply<R extends Fields> =
  | { readonly kind: 'result'; readonly result: StructValue<R> }
  | { readonly kind: 'exception'; readonly exception: ApplicationException };

/** Reads on behind the header that was read from the same reader. */
export function readReply<R extends Fields>(
  reader: WireReader,
  header: MessageHeader,
  method: Method<Fields, R>,
): Reply<R> {
  return header.type === MessageType.exception
    ? { kind: 'exception', exception: readStruct(reader, applicationException) }
    : { kind: 'result', result: readStruct(reader, method.result) };
}
