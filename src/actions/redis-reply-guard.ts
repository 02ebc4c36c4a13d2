import { AnswerTooLong, Unanswered } from './no-answer.ts';

/** The server has said no to the connection itself: to its greeting, or before it was asked anything. */
export class ConnectionRefused extends Error {
  override readonly name = 'ConnectionRefused';
  /** As it was sent; not for logs. */
  readonly reply: string;
  readonly to: string;

  constructor(reply: string, to: string) {
    super(`${to} was refused`);
    this.reply = reply;
    this.to = to;
  }
}

/** No element of an array takes fewer bytes. */
const LEAST_ELEMENT = 3;

/** A first line; of a text or an array, its kind and count. */
const LINE_FORM = /^(?:[+-][^\r]*|:[+-]?\d{1,20}|([$*])(-1|\d{1,10}))\r\n$/s;

/**
 * Reads along with what a server sends, ahead of the client that keeps it: that client makes room for as
 * many elements as an array announces, and breaks on replies that nobody asked for. RESP2:
 *
 *     reply = +text | -error | :number | $n, n bytes, CRLF | *n, n replies     each first line ends in CRLF
 */
export class RedisReplyGuard {
  readonly #maxBytes: number;
  /** Replies that have yet to begin. */
  #awaited = 0;
  /** Values that the reply under way still lacks. */
  #lacking = 0;
  /** Bytes of a text that are yet to come, its CRLF included. */
  #textLeft = 0;
  /** A value's first line, as far as it is here. */
  #line = '';
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** That many replies are to come, and to be measured together. */
  expect(replies: number): void {
    this.#awaited += replies;
    this.#bytes = 0;
  }

  /** Throws when the client must not see this: AnswerTooLong, ConnectionRefused or Unanswered. */
  check(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      at += this.#textLeft > 0 ? this.#skipText(chunk.length - at) : this.#readLine(chunk, at);
    }
  }

  #skipText(available: number): number {
    const skipped = Math.min(available, this.#textLeft);
    this.#textLeft -= skipped;
    return skipped;
  }

  #readLine(chunk: Buffer, from: number): number {
    const end = chunk.indexOf('\n', from);
    const piece = chunk.toString('latin1', from, end === -1 ? chunk.length : end + 1);
    const isAsked = this.#lacking > 0 || this.#awaited > 0;
    const kinds = isAsked ? '+-:$*' : '-';
    if (this.#line === '' && !kinds.includes(piece.charAt(0))) throw notRedis();
    this.#line += piece;
    this.#measure(piece.length);
    if (end !== -1) {
      this.#begin(this.#line, isAsked);
      this.#line = '';
    }
    return piece.length;
  }

  #begin(line: string, isAsked: boolean): void {
    const [form, kind, count] = LINE_FORM.exec(line) ?? [];
    if (form === undefined) throw notRedis();
    if (!isAsked) throw new ConnectionRefused(line.slice(1).trimEnd(), 'the connection');
    if (this.#lacking === 0) {
      this.#awaited -= 1;
      this.#lacking = 1;
    }
    this.#lacking -= 1;
    if (count === undefined || count === '-1') return;
    if (kind === '*') this.#lacking += Number(count);
    else this.#textLeft = Number(count) + '\r\n'.length;
    this.#measure(this.#textLeft);
  }

  /** What is announced counts as much as what is here. */
  #measure(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes + LEAST_ELEMENT * this.#lacking > this.#maxBytes) {
      throw new AnswerTooLong(this.#maxBytes);
    }
  }
}

export const notRedis = (): Unanswered => new Unanswered('it does not speak the protocol of Redis');
