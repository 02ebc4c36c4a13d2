import type { Socket } from 'node:net';

import { BrokenMessage } from '../wire/faults.ts';
import type { Dialect } from '../wire/framing.ts';
import { wireDefaults } from '../wire/limits.ts';
import { MessageStream } from '../wire/message-stream.ts';
import type { WireReader } from '../wire/protocol.ts';
import { readStruct } from '../wire/read-struct.ts';
import { field, i32, struct } from '../wire/schema.ts';
import { skip } from '../wire/skip.ts';
import { MessageType, WireCode } from '../wire/wire-code.ts';
import { ExchangeConnection } from './exchange-connection.ts';
import { AnswerTooLong, Unanswered } from './no-answer.ts';

/** What a server says to a call of a void method; `type` is that of a TApplicationException. */
export type ThriftAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'declared_exception' }
  | { readonly kind: 'application_exception'; readonly type: number };

/** What announces more than Thrift's own libraries let a frame be is no Thrift. */
const LONGEST_MESSAGE = 16 * 1024 ** 2;

/** Of structs and lists in each other, in what another contract than forsun's may return. */
const DEPTH = 64;

/** A connection to a Thrift server, on which calls go one after another, all under one sequence id. */
export class ThriftConnection extends ExchangeConnection {
  readonly #stream: MessageStream;
  readonly #maxReplyBytes: number;

  constructor(socket: Socket, dialect: Dialect, maxReplyBytes: number) {
    super(socket);
    this.#maxReplyBytes = maxReplyBytes;
    const bytes = Math.max(maxReplyBytes, LONGEST_MESSAGE);
    this.#stream = new MessageStream(
      {
        ...wireDefaults,
        messageBytes: bytes,
        stringBytes: bytes,
        containerSize: bytes,
        depth: DEPTH,
      },
      dialect,
    );
  }

  /**
   * Sends the bytes of a call under that name and id. A reply to another call is no answer; AnswerTooLong
   * once more has come than a reply may have.
   */
  call(message: Buffer, { name, seqid }: { name: string; seqid: number }): Promise<ThriftAnswer> {
    let received = 0;
    return this.exchange(message, (chunk) => {
      received += chunk.length;
      try {
        const answer = this.#read(chunk, name, seqid);
        if (received > this.#maxReplyBytes) throw new AnswerTooLong(this.#maxReplyBytes);
        // Also lets go of the bytes that were read.
        if (answer !== undefined && this.#stream.next() !== undefined) throw noReply();
        return answer;
      } catch (error) {
        throw error instanceof BrokenMessage ? noReply() : error;
      }
    });
  }

  #read(chunk: Buffer, name: string, seqid: number): ThriftAnswer | undefined {
    const stream = this.#stream;
    stream.push(chunk);
    const header = stream.next();
    if (header === undefined) return undefined;
    if (header.name !== name || header.seqid !== seqid || stream.pendingBytes > 0) throw noReply();
    if (header.type === MessageType.exception) {
      return { kind: 'application_exception', ...readStruct(stream.reader, exceptionType) };
    }
    if (header.type !== MessageType.reply) throw noReply();
    return { kind: holdsException(stream.reader) ? 'declared_exception' : 'done' };
  }
}

const noReply = (): Unanswered => new Unanswered('what it says is no Thrift reply to the call');

/** Of a TApplicationException; its message may quote what it was sent, so it is passed over. */
const exceptionType = struct({ type: field(2, i32, 0) });

/** A result struct has nothing in it, or a value as field 0, or one of the exceptions its method declares. */
function holdsException(reader: WireReader): boolean {
  let isException = false;
  reader.structBegin();
  for (let code = reader.fieldBegin(); code !== WireCode.stop; code = reader.fieldBegin()) {
    if (reader.fieldId !== 0) isException = true;
    skip(reader, code);
  }
  reader.structEnd();
  return isException;
}
