import type { Readable } from 'node:stream';

/** The first bytes of a stream, up to a cap; what follows is read and dropped, so no writer blocks. */
export class CapturedOutput {
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #totalBytes = 0;

  constructor(stream: Readable, capBytes: number) {
    stream.on('data', (chunk: Buffer) => {
      this.#totalBytes += chunk.length;
      const room = capBytes - this.#keptBytes;
      if (room <= 0) return;
      // A copy: a slice would keep the whole chunk alive.
      const part = Buffer.from(chunk.subarray(0, room));
      this.#kept.push(part);
      this.#keptBytes += part.length;
    });
    stream.on('error', () => undefined); // a broken pipe is its end
  }

  /** Bytes that came, kept or not. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  text(): string {
    return Buffer.concat(this.#kept).toString('utf8');
  }
}
