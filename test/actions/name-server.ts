import { createSocket, type Socket as UdpSocket } from 'node:dgram';

/** A name server on loopback; a name it has no answer for is left without one. */
export class NameServer {
  readonly asked: string[] = [];
  /** By `name type`: addresses, or the response code of a refusal (3: no such name). */
  readonly zone = new Map<string, readonly string[] | number>();
  readonly #socket: UdpSocket = createSocket('udp4');
  ttl = 30;

  static async open(): Promise<NameServer> {
    const server = new NameServer();
    await new Promise<void>((resolve) => server.#socket.bind(0, '127.0.0.1', resolve));
    server.#socket.on('message', (query, { port, address }) => {
      const reply = server.#reply(query);
      if (reply !== undefined) server.#socket.send(reply, port, address);
    });
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #reply(query: Buffer): Buffer | undefined {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const type = query.readUInt16BE(at + 1) === 28 ? 'AAAA' : 'A';
    const name = `${labels.join('.').toLowerCase()} ${type}`;
    this.asked.push(name);
    const found = this.zone.get(name);
    if (found === undefined) return undefined;
    const records = typeof found === 'number' ? [] : found;
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180 | (typeof found === 'number' ? found : 0), 2);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    const answers = records.map((address) => {
      const bytes =
        type === 'A'
          ? Buffer.from(address.split('.').map(Number))
          : Buffer.from(address.replaceAll(':', ''), 'hex');
      const record = Buffer.from([0xc0, 12, 0, type === 'A' ? 1 : 28, 0, 1, 0, 0, 0, 0, 0, 0]);
      record.writeUInt32BE(this.ttl, 6);
      record.writeUInt16BE(bytes.length, 10);
      return Buffer.concat([record, bytes]);
    });
    return Buffer.concat([header, query.subarray(12, at + 5), ...answers]);
  }
}
