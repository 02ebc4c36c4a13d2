import { notMySQL, SqlError } from './mysql-errors.ts';
import type { Packet } from './mysql-packets.ts';
import { Unanswered } from './no-answer.ts';

/** First bytes of packets that say how an answer goes on. */
const OK = 0x00;
const LOCAL_FILE = 0xfb;
const END = 0xfe;
const ERROR = 0xff;

/** In the status of a result: another one follows. */
const MORE_RESULTS = 0x08;

/**
 * Follows the answer to a statement packet by packet, and drops its rows:
 *
 *     answer = result, and another while its status says MORE_RESULTS
 *     result = OK | ERROR | column count, column…, END, row…, END | ERROR
 */
export class StatementAnswer {
  #next: 'result' | 'column' | 'row' = 'result';

  /** What is known after that packet. Throws Unanswered, or a RangeError, when it can be no part of an answer. */
  take({ length, head }: Packet): 'more' | 'done' | SqlError {
    const type = head.readUInt8(0);
    const isEnd = type === END && length < 9;
    if (type === ERROR) return errorOf(head);
    switch (this.#next) {
      case 'result':
        if (type === OK) return afterStatus(statusOfOk(head));
        if (type === LOCAL_FILE) throw new Unanswered('it asked for a file of ours');
        if (isEnd) throw notMySQL();
        this.#next = 'column';
        return 'more';
      case 'column':
        if (isEnd) this.#next = 'row';
        return 'more';
      case 'row':
        if (!isEnd) return 'more';
        this.#next = 'result';
        return afterStatus(head.readUInt16LE(3));
    }
  }
}

const afterStatus = (status: number): 'more' | 'done' =>
  (status & MORE_RESULTS) === 0 ? 'done' : 'more';

function errorOf(head: Buffer): SqlError {
  const hasState = head.subarray(3, 4).toString() === '#';
  return new SqlError(head.readUInt16LE(1), hasState ? head.toString('latin1', 4, 9) : '');
}

/** It stands behind two numbers, of rows and of the last id. */
function statusOfOk(head: Buffer): number {
  const lastId = 1 + bytesOfNumber(head.readUInt8(1));
  return head.readUInt16LE(lastId + bytesOfNumber(head.readUInt8(lastId)));
}

function bytesOfNumber(first: number): number {
  if (first < 0xfb) return 1;
  if (first === 0xfc) return 3;
  return first === 0xfd ? 4 : 9;
}
