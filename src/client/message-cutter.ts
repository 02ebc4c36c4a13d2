import { BinaryReader } from '../wire/binary-reader.ts';
import type { WireLimits } from '../wire/limits.ts';
import { BrokenMessage } from '../wire/faults.ts';
import { MessageWalk } from '../wire/message-walk.ts';

/**
 * Cuts a stream of unframed binary Thrift into messages, which the generated code then reads. The package's
 * own receiver reads a message again from its start with every packet, which takes minutes for a large one;
 * this walks on from where it stood.
 */
export class MessageCutter {
  readonly #maxBytes: number;
  readonly #reader: BinaryReader;
  readonly #walk: MessageWalk;
  #buffer = Buffer.alloc(0);
  /** In the buffer: where the message begins, how far it was walked, where the input ends. */
  #start = 0;
  #at = 0;
  #end = 0;

  constructor(maxBytes: number) {
    // The size of the whole is the limit; its parts may be as large.
    const limits: WireLimits = {
      messageBytes: maxBytes,
      stringBytes: maxBytes,
      nameBytes: 128,
      containerSize: maxBytes,
      depth: 16,
    };
    this.#maxBytes = maxBytes;
    this.#reader = new BinaryReader(limits);
    this.#walk = new MessageWalk(this.#reader, limits);
  }

  /** The messages that this packet completes, in order; throws BrokenMessage. */
  *push(packet: Buffer): Generator<Buffer, void> {
    this.#append(packet);
    while (this.#start < this.#end && this.#isWhole()) {
      yield Buffer.from(this.#buffer.subarray(this.#start, this.#at));
      this.#start = this.#at;
      this.#walk.restart();
    }
    if (this.#end - this.#start > this.#maxBytes) {
      throw new BrokenMessage(`a reply of more than ${this.#maxBytes} bytes`);
    }
  }

  #isWhole(): boolean {
    this.#reader.open(this.#buffer, this.#at, this.#end);
    const isWhole = this.#walk.advance();
    this.#at = this.#reader.at;
    return isWhole;
  }

  #append(packet: Buffer): void {
    if (this.#end + packet.length > this.#buffer.length) this.#makeRoom(packet.length);
    packet.copy(this.#buffer, this.#end);
    this.#end += packet.length;
  }

  /** Begins a buffer with what is pending of the old one, and as much room again. */
  #makeRoom(byteCount: number): void {
    const pending = this.#end - this.#start;
    const roomy = Buffer.alloc(Math.max(2 * (pending + byteCount), LEAST_BYTES));
    this.#buffer.copy(roomy, 0, this.#start, this.#end);
    this.#buffer = roomy;
    this.#at -= this.#start;
    this.#start = 0;
    this.#end = pending;
  }
}

const LEAST_BYTES = 16 * 1024;
