import { connect, type Socket } from 'node:net';

import { binary } from '../src/wire/binary.ts';
import { forsunService } from '../src/wire/forsun.ts';
import { writeCall } from '../src/wire/messages.ts';
import { OutputBuffer } from '../src/wire/output-buffer.ts';

/** Plans of about 100 bytes of params, under keys of one length, due in so many seconds. */
export interface LoadPlan {
  readonly seconds: number;
  readonly url: string;
}

const keyDigits = 12;
const reply = Buffer.from([0x80, 0x01, 0x00, 0x02]);

/**
 * Clients that cost as little as can be: a call is made once and only its key is written anew; replies are
 * told by their length, which is the same for all of one kind. `create` must be sent nothing else meanwhile.
 */
export class Load {
  readonly #sockets: Socket[] = [];
  #nextKey = 0;

  static async connect(port: number, connections: number): Promise<Load> {
    const load = new Load();
    for (let n = 0; n < connections; n += 1) {
      const socket = connect(port, '127.0.0.1');
      socket.setNoDelay(true);
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      });
      load.#sockets.push(socket);
    }
    return load;
  }

  /** Creates `total` plans, `depth` of them in flight on each connection; resolves when all are answered. */
  async create(total: number, depth: number, plan: (n: number) => LoadPlan): Promise<void> {
    let started = 0;
    const first = this.#nextKey;
    this.#nextKey += total;
    const next = (): Buffer | undefined =>
      started < total ? createCall(first + started, plan(started++)) : undefined;
    await Promise.all(this.#sockets.map((socket) => keepInFlight(socket, depth, next)));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

export const keyOf = (n: number): string => `order:${String(n).padStart(keyDigits, '0')}`;

const templates = new Map<string, { bytes: Buffer; keyAt: number }>();

function createCall(n: number, { seconds, url }: LoadPlan): Buffer {
  const name = `${seconds} ${url}`;
  let template = templates.get(name);
  if (template === undefined) {
    if (templates.size > 1_000) templates.clear();
    templates.set(name, (template = makeTemplate(seconds, url)));
  }
  const call = Buffer.from(template.bytes);
  call.write(String(n).padStart(keyDigits, '0'), template.keyAt, 'latin1');
  return call;
}

function makeTemplate(seconds: number, url: string): { bytes: Buffer; keyAt: number } {
  const output = new OutputBuffer();
  const call = { name: 'createTimeout', seqid: 0 };
  writeCall(binary.createWriter(output), call, forsunService.createTimeout, {
    key: keyOf(0),
    second: seconds % 60,
    minute: Math.floor(seconds / 60) % 60,
    hour: Math.floor(seconds / 3_600),
    day: 0,
    month: 0,
    week: 0,
    count: 1,
    action: 'http',
    params: new Map([['url', url]]),
  });
  const bytes = Buffer.from(output.bytes.subarray(0, output.length));
  return { bytes, keyAt: bytes.indexOf('order:') + 'order:'.length };
}

/** Sends calls as replies come, `depth` unanswered at most; resolves when there is no next call. */
function keepInFlight(
  socket: Socket,
  depth: number,
  next: () => Buffer | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let inFlight = 0;
    let replyLength = 0;
    let received = 0;
    const send = (count: number): void => {
      const calls: Buffer[] = [];
      for (let n = 0; n < count; n += 1) {
        const call = next();
        if (call !== undefined) calls.push(call);
      }
      inFlight += calls.length;
      if (calls.length > 0)
        socket.write(calls.length === 1 ? (calls[0] ?? '') : Buffer.concat(calls));
      if (inFlight > 0) return;
      socket.off('data', read);
      resolve();
    };
    const read = (chunk: Buffer): void => {
      if (replyLength === 0) {
        // The first reply comes alone, because the first call is sent alone.
        if (!chunk.subarray(0, 4).equals(reply)) reject(new Error('the server refused a create'));
        replyLength = chunk.length;
      }
      received += chunk.length;
      const replies = Math.floor(received / replyLength);
      received -= replies * replyLength;
      inFlight -= replies;
      send(depth - inFlight);
    };
    socket.on('data', read);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the server closed a connection')));
    send(1);
  });
}
