/** One packet of MySQL's protocol, of which only the beginning is kept. */
export interface Packet {
  /** Counts the packets since the last command, modulo 256. */
  readonly number: number;
  readonly length: number;
  /** Its first bytes, 32 at most; good until the next packet is read. */
  readonly head: Buffer;
  /** It goes on with the packet before, which was too short for its content. */
  readonly isContinuation: boolean;
}

const HEADER_BYTES = 4;
const HEAD_BYTES = 32;

/** A packet of that length is followed by a continuation. */
const MAX_LENGTH = 0xffffff;

/** Finds the packets in what a socket receives, whatever their length, in constant memory. */
export class PacketReader {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headBytes = 0;
  #bytesToCome = 0;
  #isContinuation = false;

  /** Yields each packet that these bytes complete. */
  *read(bytes: Buffer): Generator<Packet> {
    for (let at = 0; at < bytes.length;) {
      if (this.#headerBytes < HEADER_BYTES) {
        const taken = bytes.copy(this.#header, this.#headerBytes, at);
        at += taken;
        this.#headerBytes += taken;
        if (this.#headerBytes < HEADER_BYTES) return;
        this.#bytesToCome = this.#length;
        this.#headBytes = 0;
      } else {
        const end = Math.min(at + this.#bytesToCome, bytes.length);
        this.#headBytes += bytes.copy(this.#head, this.#headBytes, at, end);
        this.#bytesToCome -= end - at;
        at = end;
      }
      if (this.#bytesToCome === 0) yield this.#completed();
    }
  }

  get #length(): number {
    return this.#header.readUIntLE(0, 3);
  }

  #completed(): Packet {
    const packet = {
      number: this.#header.readUInt8(3),
      length: this.#length,
      head: this.#head.subarray(0, this.#headBytes),
      isContinuation: this.#isContinuation,
    };
    this.#headerBytes = 0;
    this.#isContinuation = packet.length === MAX_LENGTH;
    return packet;
  }
}

/** A whole packet, the first of a command. */
export function firstPacket(body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUIntLE(body.length, 0, 3);
  return Buffer.concat([header, body]);
}
