import { binary } from '../../src/wire/binary.ts';
import type { Dialect } from '../../src/wire/framing.ts';
import { forsunService, type MethodName } from '../../src/wire/forsun.ts';
import { wireDefaults } from '../../src/wire/limits.ts';
import { MessageStream } from '../../src/wire/message-stream.ts';
import { type Method, readReply, type Reply, writeCall } from '../../src/wire/messages.ts';
import type { Fields, StructDraft } from '../../src/wire/schema.ts';
import { RawClient } from './raw-client.ts';
import { writtenIn } from './wire-oracle.ts';

/** A large message may come back, if the server allows it to go. */
const limits = {
  ...wireDefaults,
  messageBytes: 2 ** 26,
  stringBytes: 2 ** 25,
  containerSize: 2 ** 20,
};

type Result = Readonly<Record<string, unknown>>;

/** What came back, made plain to compare: the result's fields, or those of Thrift's exception. */
export type PlainReply = { readonly seqid: number; readonly name: string } & (
  { readonly result: Result } | { readonly exception: Result }
);

/** A client that speaks our wire, in any dialect and with any number of calls in flight. */
export class WireClient extends RawClient {
  /** Brought with each call, as the service that it names. */
  token: string | undefined;
  readonly #dialect: Dialect;
  readonly #replies: MessageStream;
  #seen = 0;
  #seqid = 0;

  constructor(port: number, dialect: Dialect = { protocol: binary, framed: false }) {
    super(port);
    this.#dialect = dialect;
    this.#replies = new MessageStream(limits, dialect);
  }

  /** The bytes of a call, under the next seqid. */
  encode(name: MethodName, args: StructDraft<Fields> = {}): Buffer {
    return this.#encode(name, forsunService[name], args);
  }

  /** The bytes of a call without arguments, of any name. */
  encodeName(name: string): Buffer {
    return this.#encode(name, forsunService.ping, {});
  }

  #encode(
    method: string,
    { args, result }: Method<Fields, Fields>,
    values: StructDraft<Fields>,
  ): Buffer {
    const name = this.token === undefined ? method : `${this.token}:${method}`;
    const seqid = ++this.#seqid;
    return writtenIn(this.#dialect, (writer) =>
      writeCall(writer, { name, seqid }, { args, result }, values),
    );
  }

  async call(name: MethodName, args: StructDraft<Fields> = {}): Promise<PlainReply> {
    this.send(this.encode(name, args));
    return this.reply();
  }

  /** The next reply; rejects when the server closes before it is whole. */
  async reply(): Promise<PlainReply> {
    for (;;) {
      const { received } = this;
      if (received.length > this.#seen) {
        this.#replies.push(received.subarray(this.#seen));
        this.#seen = received.length;
      }
      const header = this.#replies.next();
      if (header !== undefined) {
        const { name, seqid } = header;
        const known: Record<string, Method<Fields, Fields>> = forsunService;
        const method = known[name] ?? forsunService.ping;
        return { name, seqid, ...plain(readReply(this.#replies.reader, header, method)) };
      }
      const before = this.#seen;
      if ((await this.receive(before + 1)).length === before) throw new Error('the server closed');
    }
  }
}

function plain(reply: Reply<Fields>): { result: Result } | { exception: Result } {
  return reply.kind === 'result'
    ? { result: reply.result }
    : { exception: { type: reply.exception.type, message: reply.exception.message } };
}
