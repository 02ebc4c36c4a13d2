import { BrokenMessage } from './faults.ts';
import { detectDialect, type Dialect, frameLength, frameLengthBytes } from './framing.ts';
import type { WireLimits } from './limits.ts';
import { MessageWalk } from './message-walk.ts';
import type { MessageHeader, WireReader } from './protocol.ts';

const nothing = Buffer.alloc(0);

/** What is known once the dialect is. */
interface Speech {
  readonly dialect: Dialect;
  readonly reader: WireReader;
  readonly walk: MessageWalk;
}

/**
 * Makes whole messages of the bytes of a connection, however they were cut. A message is read straight
 * from the packet it came in; only what a packet left unfinished is copied to where the rest will follow.
 */
export class MessageStream {
  readonly #limits: WireLimits;
  #speech: Speech | undefined;
  /** The message under way begins at #start, the bytes that came end at #end. */
  #bytes: Buffer = nothing;
  #start = 0;
  #end = 0;
  /** Of an unframed message, how many bytes were walked. */
  #walked = 0;

  /** Without a dialect, that of the peer is told by its first bytes. */
  constructor(limits: WireLimits, dialect?: Dialect) {
    this.#limits = limits;
    if (dialect !== undefined) this.#speech = this.#speak(dialect);
  }

  get dialect(): Dialect | undefined {
    return this.#speech?.dialect;
  }

  /** Header of a message that is not whole, if that much of it has come. */
  get pendingHeader(): MessageHeader | undefined {
    return this.#speech?.walk.header;
  }

  /** Bytes that came and were not taken as messages. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** Memory that is held for them. */
  get heldBytes(): number {
    return this.#bytes.length;
  }

  /** Takes what arrived; the chunk is the stream's from now on. */
  push(chunk: Buffer): void {
    if (this.#start === this.#end) {
      this.#bytes = chunk;
      this.#start = 0;
      this.#end = chunk.length;
    } else {
      this.#makeRoom(chunk.length);
      chunk.copy(this.#bytes, this.#end);
      this.#end += chunk.length;
    }
  }

  /**
   * The header of the next whole message; `reader` then stands at its body, which must be read before the
   * next call. Undefined when none is whole; BrokenMessage when there can be no further one.
   */
  next(): MessageHeader | undefined {
    if (this.#start === this.#end) {
      this.#bytes = nothing;
      this.#start = 0;
      this.#end = 0;
      return undefined;
    }
    this.#speech ??= this.#detect();
    if (this.#speech === undefined) return undefined;
    return this.#speech.dialect.framed
      ? this.#nextFramed(this.#speech)
      : this.#nextUnframed(this.#speech);
  }

  get reader(): WireReader {
    if (this.#speech === undefined) throw new TypeError('there is no message to read');
    return this.#speech.reader;
  }

  #nextUnframed(speech: Speech): MessageHeader | undefined {
    const { reader, walk } = speech;
    reader.open(this.#bytes, this.#start + this.#walked, this.#end);
    const isWhole = walk.advance();
    this.#walked = reader.at - this.#start;
    const length = isWhole ? this.#walked : this.#end - this.#start;
    if (length > this.#limits.messageBytes) {
      throw new BrokenMessage(`a message may have ${this.#limits.messageBytes} bytes, not more`);
    }
    if (!isWhole) return undefined;
    this.#walked = 0;
    return this.#deliver(speech, this.#start, length);
  }

  #nextFramed(speech: Speech): MessageHeader | undefined {
    const { reader, walk } = speech;
    if (this.#end - this.#start < frameLengthBytes) return undefined;
    const length = frameLength(this.#bytes, this.#start, this.#limits);
    const messageStart = this.#start + frameLengthBytes;
    if (this.#end - messageStart < length) return undefined;
    reader.open(this.#bytes, messageStart, messageStart + length);
    if (!walk.advance()) throw new BrokenMessage('a frame ends before its message does');
    if (reader.at < messageStart + length) {
      throw new BrokenMessage('a frame goes on behind its message');
    }
    return this.#deliver(speech, messageStart, length);
  }

  /** Sets the reader to the body of a message that was walked through. */
  #deliver({ reader, walk }: Speech, start: number, length: number): MessageHeader | undefined {
    const { header, headerBytes } = walk;
    reader.open(this.#bytes, start + headerBytes, start + length);
    this.#start = start + length;
    walk.restart();
    return header;
  }

  #detect(): Speech | undefined {
    const dialect = detectDialect(this.#bytes.subarray(this.#start, this.#end), this.#limits);
    return dialect === undefined ? undefined : this.#speak(dialect);
  }

  #speak(dialect: Dialect): Speech {
    const reader = dialect.protocol.createReader(this.#limits);
    return { dialect, reader, walk: new MessageWalk(reader, this.#limits) };
  }

  /** Moves what is pending to memory of its own that has room for more, grown by doubling. */
  #makeRoom(byteCount: number): void {
    const pending = this.#end - this.#start;
    const needed = pending + byteCount;
    if (this.#start > 0 || needed > this.#bytes.length) {
      const roomy = Buffer.allocUnsafe(Math.max(needed, Math.min(pending * 2, this.#maxBytes())));
      this.#bytes.copy(roomy, 0, this.#start, this.#end);
      this.#bytes = roomy;
      this.#start = 0;
      this.#end = pending;
    }
  }

  #maxBytes(): number {
    return this.#limits.messageBytes + frameLengthBytes;
  }
}
