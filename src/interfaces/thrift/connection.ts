import type { Socket } from 'node:net';

import type { Clock } from '../../core/time.ts';
import type { Counters } from '../../metrics/counters.ts';
import { BrokenMessage } from '../../wire/faults.ts';
import type { Dialect } from '../../wire/framing.ts';
import { MessageStream } from '../../wire/message-stream.ts';
import type { MessageHeader } from '../../wire/protocol.ts';
import { ExceptionType, MessageType } from '../../wire/wire-code.ts';
import type { Admission } from '../access/access.ts';
import type { Complaints } from '../complaints.ts';
import { countRefusal } from '../count-refusal.ts';
import { type Answer, answered, type Call, exception } from './call.ts';
import { CallQueue } from './call-queue.ts';

import type { Handler } from './handler.ts';
import type { MemoryBudget, MemoryHolder } from '../memory-budget.ts';
import type { Outbox, Sender } from './outbox.ts';
import type { ThriftSettings } from './settings.ts';
import { Visitor, withoutToken } from './visitor.ts';
import { isDone, overdue, type Waits } from './waits.ts';

/** What all connections of the door share. */
export interface Door {
  readonly settings: ThriftSettings;
  readonly handler: Handler;
  readonly outbox: Outbox;
  readonly counters: Counters;
  readonly complaints: Complaints;
  readonly clock: Clock;
  readonly memory: MemoryBudget;
}

/**
 * One client.
 *
 *   serving ──(FIN, refusal, stop of the server)──▶ finishing ──(all answered)──▶ lingering ──▶ closed
 *      └─────────────────────────────(fault, deadline, RST)────────────────────────────────────▲
 *
 * Serving takes messages while there is room for calls and their replies, and else lets the socket wait.
 * Finishing answers the calls it has; from there on what still comes is passed over. Lingering has sent
 * FIN and lets the peer read before the connection goes.
 */
export class Connection implements Sender, MemoryHolder {
  /** Where it comes from: an IP address, or unix. */
  readonly address: string;
  readonly #socket: Socket;
  readonly #door: Door;
  readonly #stream: MessageStream;
  readonly #queue: CallQueue;
  readonly #visitor: Visitor;
  /** Why the peer is not served, if so: the answer to its first call. */
  readonly #refusal: string | undefined;
  #hasPeerEnded = false;
  #isFinishing = false;
  #hasSentFin = false;
  #isClosed = false;
  #activeMs: number;
  readonly #waits: Waits = {
    messageSinceMs: undefined,
    unsentSinceMs: undefined,
    finSinceMs: undefined,
  };

  constructor(socket: Socket, address: string, door: Door, admission: Admission) {
    this.address = address;
    this.#socket = socket;
    this.#door = door;
    this.#visitor = new Visitor(admission);
    this.#refusal = admission.refusal;
    this.#stream = new MessageStream(door.settings.wire);
    this.#queue = new CallQueue(() => this.#onAnswer());
    this.#activeMs = door.clock.monotonicMs();
    if (this.#refusal !== undefined) this.#waits.messageSinceMs = this.#activeMs;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('end', () => this.#onPeerEnd());
    socket.on('error', () => undefined); // 'close' follows; that a client went away is no news
    socket.on('close', () => this.#onClose());
  }

  get dialect(): Dialect | undefined {
    return this.#stream.dialect;
  }

  get heldBytes(): number {
    if (this.#isClosed) return 0;
    return this.#stream.heldBytes + this.#queue.byteCount + this.#socket.writableLength;
  }

  /** Since when nothing came and nothing is to be done; undefined while something is. */
  get idleSinceMs(): number | undefined {
    const isIdle =
      this.#queue.length === 0 &&
      this.#stream.pendingBytes === 0 &&
      this.#socket.writableLength === 0;
    return isIdle ? this.#activeMs : undefined;
  }

  /** Takes no further calls; answers those it has, and closes. */
  finish(): void {
    this.#isFinishing = true;
    this.#waits.messageSinceMs = undefined;
    this.#proceed();
  }

  /** Closes at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Closes at once, for a reason that is logged. */
  cut(event: string, reason: string): void {
    this.#door.complaints.warn(event, { peer: this.address, reason });
    this.destroy();
  }

  /** Closes when a deadline has passed. */
  sweep(nowMs: number): void {
    const late = overdue(this.#waits, this.#door.settings, nowMs);
    if (late !== undefined) this.cut(late.event, late.reason);
    else if (isDone(this.#waits, this.#door.settings, nowMs)) this.destroy();
  }

  takeAnswer(): Answer | undefined {
    if (this.#isClosed) return undefined;
    const answer = this.#queue.takeAnswer();
    if (answer !== undefined) {
      this.#door.counters.add('requesting_count', -1);
      this.#door.counters.add('requested_count');
      if (answer.isError) this.#door.counters.add('requested_error_count');
      if (answer.refusal) countRefusal(this.#door.counters, answer.refusal);
    }
    return answer;
  }

  send(bytes: Buffer): void {
    if (this.#isClosed) return;
    this.#activeMs = this.#door.clock.monotonicMs();
    this.#waits.unsentSinceMs ??= this.#activeMs;
    this.#socket.write(bytes, this.#onSent);
    this.#proceed();
  }

  readonly #onSent = (): void => {
    const isAllSent = this.#socket.writableLength === 0;
    this.#waits.unsentSinceMs = isAllSent ? undefined : this.#door.clock.monotonicMs();
    this.#proceed();
  };

  #receive(chunk: Buffer): void {
    if (this.#isFinishing) return;
    this.#activeMs = this.#door.clock.monotonicMs();
    this.#stream.push(chunk);
    this.#proceed();
  }

  #onPeerEnd(): void {
    this.#hasPeerEnded = true;
    this.#proceed();
  }

  #onAnswer(): void {
    if (this.#isClosed) return;
    this.#door.outbox.add(this);
    if (this.#hasRoomForReplies()) this.#queue.begin();
  }

  #onClose(): void {
    this.#isClosed = true;
    this.#door.counters.add('requesting_count', -this.#queue.length);
    this.#door.memory.note(this);
  }

  /** Does whatever can be done by now; called whenever something may have changed. */
  #proceed(): void {
    if (this.#isClosed) return;
    if (!this.#isFinishing) this.#takeMessages();
    if (this.#hasRoomForReplies()) this.#queue.begin();
    if (this.#isFinishing && this.#queue.length === 0) this.#sendFin();
    if (this.#isFinishing || this.#hasRoomForCalls()) this.#socket.resume();
    else this.#socket.pause();
    this.#door.memory.note(this);
  }

  #sendFin(): void {
    if (this.#hasSentFin) return;
    this.#hasSentFin = true;
    this.#socket.end(() => {
      this.#waits.finSinceMs = this.#door.clock.monotonicMs();
    });
  }

  #takeMessages(): void {
    try {
      while (this.#hasRoomForCalls()) {
        const pendingBytes = this.#stream.pendingBytes;
        const header = this.#stream.next();
        if (this.#refusal !== undefined) {
          this.#refuse(this.#refusal, header);
          return;
        }
        if (header === undefined) {
          this.#awaitMore();
          return;
        }
        this.#waits.messageSinceMs = undefined;
        this.#queue.add(this.#readCall(header), pendingBytes - this.#stream.pendingBytes);
        this.#door.counters.add('requesting_count');
      }
      this.#waits.messageSinceMs = undefined; // it is the peer that waits now, not we
    } catch (error) {
      this.#onFault(error);
    }
  }

  #readCall(header: MessageHeader): Call {
    if (header.type !== MessageType.call && header.type !== MessageType.oneway) {
      throw new BrokenMessage(`a call was expected, not a message of type ${header.type}`);
    }
    return this.#door.handler(header, this.#stream.reader, this.#visitor);
  }

  /** No message is whole. */
  #awaitMore(): void {
    if (this.#hasPeerEnded) this.#isFinishing = true;
    else if (this.#stream.pendingBytes === 0) this.#waits.messageSinceMs = undefined;
    else this.#waits.messageSinceMs ??= this.#door.clock.monotonicMs();
  }

  #refuse(text: string, whole: MessageHeader | undefined): void {
    const header = whole ?? this.#stream.pendingHeader;
    if (header !== undefined) this.#answerLast(header, ExceptionType.internalError, text);
    else if (this.#hasPeerEnded) this.#isFinishing = true;
  }

  #onFault(error: unknown): void {
    const { counters, complaints } = this.#door;
    const header = this.#stream.pendingHeader;
    if (!(error instanceof BrokenMessage)) {
      complaints.error('thrift_connection_failed', { peer: this.address }, error);
      this.destroy();
      return;
    }
    counters.add('protocol_errors_count');
    complaints.warn('thrift_broken_message', { peer: this.address, reason: error.message });
    if (header === undefined) this.destroy();
    else this.#answerLast(header, ExceptionType.protocolError, error.message);
  }

  /** Answers what cannot be served in its turn, as the last one. */
  #answerLast(named: MessageHeader, type: number, text: string): void {
    const { header } = withoutToken(named);
    this.#isFinishing = true;
    this.#waits.messageSinceMs = undefined;
    this.#queue.add(answered(exception(header, type, text)), 0);
    this.#door.counters.add('requesting_count');
  }

  #hasRoomForCalls(): boolean {
    const { callsInFlight, bytesInFlight } = this.#door.settings;
    return (
      this.#queue.length < callsInFlight &&
      this.#queue.byteCount < bytesInFlight &&
      this.#hasRoomForReplies()
    );
  }

  #hasRoomForReplies(): boolean {
    return this.#socket.writableLength <= this.#door.settings.unsentBytes;
  }
}
