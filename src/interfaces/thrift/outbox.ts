import { binary } from '../../wire/binary.ts';
import { compact } from '../../wire/compact.ts';
import { type Dialect, writeFrame } from '../../wire/framing.ts';
import { OutputBuffer, OutputFull } from '../../wire/output-buffer.ts';
import { ExceptionType } from '../../wire/wire-code.ts';
import { type Answer, exception, type OnInternalError } from './call.ts';

/** Who has answers to send. */
export interface Sender {
  readonly dialect: Dialect | undefined;
  takeAnswer(): Answer | undefined;
  send(bytes: Buffer): void;
}

/**
 * Sends what was answered within one turn of the event loop at its end, in one piece per connection. All
 * connections write into one buffer, so one that waits holds no memory for its replies to come.
 */
export class Outbox {
  readonly #output = new OutputBuffer();
  readonly #writers = {
    binary: binary.createWriter(this.#output),
    compact: compact.createWriter(this.#output),
  };
  readonly #senders = new Set<Sender>();
  readonly #replyBytes: number;
  readonly #onInternalError: OnInternalError;

  constructor(replyBytes: number, onInternalError: OnInternalError) {
    this.#replyBytes = replyBytes;
    this.#onInternalError = onInternalError;
  }

  /** Has the sender's answers sent before the loop turns again. */
  add(sender: Sender): void {
    if (this.#senders.size === 0) setImmediate(() => this.#sendAll());
    this.#senders.add(sender);
  }

  #sendAll(): void {
    const senders = [...this.#senders];
    this.#senders.clear();
    for (const sender of senders) this.#sendOf(sender);
  }

  #sendOf(sender: Sender): void {
    const { dialect } = sender;
    if (dialect === undefined) return;
    for (let answer = sender.takeAnswer(); answer !== undefined; answer = sender.takeAnswer()) {
      this.#write(answer, dialect);
      if (this.#output.length > this.#replyBytes) sender.send(this.#output.take());
    }
    if (this.#output.length > 0) sender.send(this.#output.take());
  }

  /** Writes the answer, or in its place why there is none: never half of one. */
  #write(answer: Answer, dialect: Dialect): void {
    const start = this.#output.length;
    this.#output.allow(this.#replyBytes);
    try {
      this.#writeWhole(answer, dialect);
    } catch (error) {
      this.#output.length = start;
      this.#output.allow(this.#replyBytes);
      this.#writeWhole(this.#excuse(answer, error), dialect);
    }
  }

  #writeWhole(answer: Answer, { protocol, framed }: Dialect): void {
    const writer = this.#writers[protocol.name];
    if (framed) writeFrame(this.#output, () => answer.write(writer));
    else answer.write(writer);
  }

  #excuse({ header }: Answer, error: unknown): Answer {
    if (error instanceof OutputFull) {
      const text = `the reply would pass ${this.#replyBytes} bytes: ask for less, as by a longer prefix`;
      return exception(header, ExceptionType.internalError, text);
    }
    this.#onInternalError(header.name, error);
    return exception(header, ExceptionType.internalError, 'Internal error');
  }
}
