const initialBytes = 16 * 1024;
/** A buffer larger than this is given back when what it held was taken. */
const keptBytes = 1024 * 1024;

/** Thrown when what is written passes the length it was allowed. */
export class OutputFull extends Error {
  override readonly name = 'OutputFull';
}

/** One growing buffer that messages are written into, behind each other. */
export class OutputBuffer {
  bytes: Buffer = Buffer.allocUnsafe(initialBytes);
  length = 0;
  #maxLength = Number.MAX_SAFE_INTEGER;

  /** From here on that many bytes may be written, not more. */
  allow(byteCount: number): void {
    this.#maxLength = this.length + byteCount;
  }

  /** Makes room for that many bytes; they are written at `length`, which their writer then moves. */
  reserve(byteCount: number): void {
    const needed = this.length + byteCount;
    if (needed > this.#maxLength) throw new OutputFull('what was to be written is too long');
    if (needed > this.bytes.length) this.#grow(needed);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** A copy of what is in it, which is then empty. */
  take(): Buffer {
    const taken = Buffer.from(this.bytes.subarray(0, this.length));
    this.length = 0;
    if (this.bytes.length > keptBytes) this.bytes = Buffer.allocUnsafe(initialBytes);
    return taken;
  }
}
