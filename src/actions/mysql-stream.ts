import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

import { StatementAnswer } from './mysql-answer.ts';
import { notMySQL, type SqlError } from './mysql-errors.ts';
import { firstPacket, type Packet, PacketReader } from './mysql-packets.ts';
import { AnswerTooLong, Unanswered } from './no-answer.ts';

const QUERY = Buffer.from([3]);

/** More than any step of a login takes: certificates are not sent, the longest is a key. */
const MAX_LOGIN_BYTES = 64 * 1024;

interface Statement {
  readonly answer: StatementAnswer;
  readonly answered: (error?: SqlError) => void;
}

/**
 * A socket that mysql2 logs in over, and that carries statements past it. mysql2 trusts its server: when
 * packets are out of order or cannot be read it writes to standard error, it throws where nobody catches, and
 * it gathers what it is sent. So it is shown nothing but the login, in order and of limited length, and
 * whatever it throws ends the socket.
 */
export class MySQLStream extends EventEmitter {
  readonly #socket: Socket;
  readonly #maxAnswerBytes: number;
  readonly #reader = new PacketReader();
  /** Bytes that may still come before we send again. */
  #room = MAX_LOGIN_BYTES;
  #nextNumber = 0;
  #statement: Statement | undefined;

  constructor(socket: Socket, maxAnswerBytes: number) {
    super();
    this.#socket = socket;
    this.#maxAnswerBytes = maxAnswerBytes;
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', (error) => this.emit('error', error));
    socket.on('close', () => this.emit('close'));
  }

  /** Sends a statement below 16 MiB; tells how it ended, unless the socket does before. */
  ask(sql: string, answered: Statement['answered']): void {
    this.#statement = { answer: new StatementAnswer(), answered };
    this.write(firstPacket(Buffer.concat([QUERY, Buffer.from(sql)])));
    this.#room = this.#maxAnswerBytes;
  }

  /** Sends one whole packet, as mysql2 writes them. */
  write(packet: Buffer, sent?: (error?: Error | null) => void): boolean {
    this.#nextNumber = (packet.readUInt8(3) + 1) % 256;
    this.#room = MAX_LOGIN_BYTES;
    return this.#socket.write(packet, sent);
  }

  /** Closes once all is sent; a peer that does not close too is not waited for. */
  end(): void {
    this.#socket.destroySoon();
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  #receive(bytes: Buffer): void {
    const isForUs = this.#statement !== undefined;
    try {
      this.#takeRoom(bytes.length);
      for (const packet of this.#reader.read(bytes)) {
        this.#checkNumber(packet);
        if (isForUs) this.#take(packet);
      }
      if (!isForUs) this.emit('data', bytes);
    } catch (error) {
      this.destroy(
        error instanceof AnswerTooLong || error instanceof Unanswered ? error : notMySQL(),
      );
    }
  }

  #takeRoom(bytes: number): void {
    this.#room -= bytes;
    if (this.#room >= 0) return;
    if (this.#statement === undefined) throw notMySQL();
    throw new AnswerTooLong(this.#maxAnswerBytes);
  }

  #checkNumber({ number }: Packet): void {
    if (number !== this.#nextNumber) throw notMySQL();
    this.#nextNumber = (number + 1) % 256;
  }

  #take(packet: Packet): void {
    if (packet.isContinuation) return;
    if (this.#statement === undefined) throw notMySQL(); // more than an answer
    const { answer, answered } = this.#statement;
    const known = answer.take(packet);
    if (known === 'more') return;
    this.#statement = undefined;
    answered(known === 'done' ? undefined : known);
  }
}
