import { connect, type Socket } from 'node:net';

/** A bare TCP client that keeps what comes back. */
export class RawClient {
  readonly socket: Socket;
  #chunks: Buffer[] = [];
  readonly closed: Promise<void>;
  #onChange: () => void = () => undefined;
  #isClosed = false;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#onChange();
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.on('end', () => this.socket.end());
      this.socket.on('close', () => {
        this.#isClosed = true;
        this.#onChange();
        resolve();
      });
    });
  }

  get received(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  send(bytes: Buffer | string): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : bytes);
  }

  /** What has come once it is that long, or the server has closed. */
  async receive(byteCount: number): Promise<Buffer> {
    while (this.received.length < byteCount && !this.#isClosed) {
      await new Promise<void>((resolve) => (this.#onChange = resolve));
    }
    return this.received;
  }

  close(): void {
    this.socket.destroy();
  }
}
