import { badArgument, type ErrorCode, ForsunError, notAllowed } from '../../core/errors.ts';
import { RefusedValue } from '../../wire/faults.ts';
import { type Method, writeException, writeReply } from '../../wire/messages.ts';
import type { MessageHeader, WireReader, WireWriter } from '../../wire/protocol.ts';
import { readStruct } from '../../wire/read-struct.ts';
import type { Fields, StructDraft, StructValue } from '../../wire/schema.ts';
import { escaped } from '../../wire/text.ts';
import { ExceptionType } from '../../wire/wire-code.ts';
import type { Caller, Wish } from '../access/caller.ts';
import type { Calling, Visitor } from './visitor.ts';

/** Puts a reply or exception behind what the writer's output holds. */
export interface Answer {
  /** That of the call. */
  readonly header: MessageHeader;
  readonly isError: boolean;
  /** Why the call was refused, when it is that. */
  readonly refusal?: ErrorCode;
  write(writer: WireWriter): void;
}

/** What may run beside what: see CallQueue. */
export type CallKind = 'change' | 'read' | 'list';

/** A call whose arguments were read. */
export interface Call {
  readonly kind: CallKind;
  /** Starts it, once; never rejects: what went wrong is the answer. */
  start(): Promise<Answer>;
}

/** How a method of the service is served. */
export interface Served<A extends Fields, R extends Fields> {
  readonly method: Method<A, R>;
  readonly kind: CallKind;
  /** Arguments without a default that have to be there. */
  readonly required: readonly (keyof A & string)[];
  /** What its caller has to be allowed; undefined: nothing. */
  readonly wish: (args: StructValue<A>) => Wish | undefined;
  readonly run: (args: StructValue<A>, caller: Caller, visitor: Visitor) => Promise<StructDraft<R>>;
  /** The result that tells a refusal, if the method declares one. */
  readonly refused?: (error: ForsunError) => StructDraft<R>;
}

/** Told of an error that is a bug or an outage: the client hears no more than that there was one. */
export type OnInternalError = (method: string, error: unknown) => void;

/**
 * Reads the arguments at the reader; what is wrong with them becomes the call's answer. Who calls is asked
 * when the call starts, for it may be what the one before it was to tell.
 */
export function readCall<A extends Fields, R extends Fields>(
  served: Served<A, R>,
  header: MessageHeader,
  reader: WireReader,
  calling: Calling,
  onInternalError: OnInternalError,
): Call {
  const failed = (error: unknown): Answer => failure(served, header, error, onInternalError);
  try {
    const args = readStruct(reader, served.method.args);
    const missing = served.required.find((name) => args[name] === undefined);
    if (missing !== undefined) {
      const text = `the argument ${missing} of ${header.name} is missing or not of its type`;
      return answered(exception(header, ExceptionType.protocolError, text));
    }
    return { kind: served.kind, start: () => run(served, header, args, calling).catch(failed) };
  } catch (error) {
    return answered(failed(error));
  }
}

async function run<A extends Fields, R extends Fields>(
  { method, wish, run: runMethod }: Served<A, R>,
  header: MessageHeader,
  args: StructValue<A>,
  { visitor, token }: Calling,
): Promise<Answer> {
  const caller = visitor.callerBy(token);
  const wished = wish(args);
  const refusal = wished === undefined ? undefined : caller.refusal(wished);
  if (refusal !== undefined) throw notAllowed(refusal);
  const result = await runMethod(args, caller, visitor);
  return { header, isError: false, write: (writer) => writeReply(writer, header, method, result) };
}

function failure<A extends Fields, R extends Fields>(
  { method, refused }: Served<A, R>,
  header: MessageHeader,
  error: unknown,
  onInternalError: OnInternalError,
): Answer {
  const isRefusedValue = error instanceof RefusedValue;
  if (!isRefusedValue && !(error instanceof ForsunError)) {
    onInternalError(header.name, error);
    return exception(header, ExceptionType.internalError, 'Internal error');
  }
  const forsunError = isRefusedValue ? badArgument(error.message) : error;
  const { code: refusal } = forsunError;
  if (refused !== undefined) {
    const result = refused(forsunError);
    const write = (writer: WireWriter): void => writeReply(writer, header, method, result);
    return { header, isError: true, refusal, write };
  }
  const type = isRefusedValue ? ExceptionType.protocolError : ExceptionType.internalError;
  return { ...exception(header, type, error.message), refusal };
}

/** The answer to a call of a method that there is not. */
export const unknownMethod = (header: MessageHeader): Call =>
  answered(
    exception(header, ExceptionType.unknownMethod, `Unknown function ${escaped(header.name)}`),
  );

/** Thrift's own way to refuse; type is one of ExceptionType. */
export const exception = (header: MessageHeader, type: number, message: string): Answer => ({
  header,
  isError: true,
  write: (writer) => writeException(writer, header, type, message),
});

/** A call that has its answer before it starts. */
export const answered = (answer: Answer): Call => ({ kind: 'read', start: async () => answer });
