import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';

import { binary } from '../src/wire/binary.ts';
import { forsunService } from '../src/wire/forsun.ts';
import { wireDefaults } from '../src/wire/limits.ts';
import { MessageStream } from '../src/wire/message-stream.ts';
import { writeReply } from '../src/wire/messages.ts';
import { OutputBuffer } from '../src/wire/output-buffer.ts';
import { readStruct } from '../src/wire/read-struct.ts';

/** What has arrived since the last report. */
export interface Arrived {
  readonly keys: number;
  /** Keys that came once more. */
  readonly twice: number;
  /** Before their second. */
  readonly early: number;
  /** How late each was that came, in ms after its second began. */
  readonly lateMs: readonly number[];
}

const keys = new Set<string>();
let twice = 0;
let lateMs: number[] = [];

function note(key: string, second: number): void {
  lateMs.push(Date.now() - second * 1000);
  if (keys.has(key)) twice += 1;
  keys.add(key);
}

/** Counts the callbacks of Thrift or HTTP plans, as cheaply as can be. */
const servers: Readonly<Record<string, () => Server>> = {
  http: () =>
    createHttpServer((request, response) => {
      const { headers } = request;
      note(String(headers['x-forsun-key']), Number(headers['x-forsun-timestamp']));
      response.end();
    }),
  thrift: () =>
    createServer({ noDelay: true }, (socket) => {
      const stream = new MessageStream(wireDefaults, { protocol: binary, framed: false });
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        stream.push(chunk);
        for (let header = stream.next(); header !== undefined; header = stream.next()) {
          const { key = '', ts = 0 } = readStruct(stream.reader, method.args);
          note(key, ts);
          socket.write(returns);
        }
      });
    }),
};

const method = forsunService.forsun_call;
const output = new OutputBuffer();
writeReply(binary.createWriter(output), { name: 'forsun_call', seqid: 0 }, method, {});
const returns = output.take();

/** The parent asks for a count, or for a report. */
process.on('message', (question) => {
  if (question === 'count') {
    process.send?.(keys.size);
    return;
  }
  const early = lateMs.filter((ms) => ms < 0).length;
  process.send?.({ keys: keys.size, twice, early, lateMs } satisfies Arrived);
  keys.clear();
  twice = 0;
  lateMs = [];
});
const server = servers[process.argv[2] ?? '']?.().listen(0, '127.0.0.1', () => {
  process.send?.((server?.address() as AddressInfo).port);
});
