import { connect, type Socket } from 'node:net';

import { binary } from '../src/wire/binary.ts';
import { type ForsunService, forsunService } from '../src/wire/forsun.ts';
import { writeCall } from '../src/wire/messages.ts';
import { OutputBuffer } from '../src/wire/output-buffer.ts';
import type { StructDraft } from '../src/wire/schema.ts';

/** The call that makes a plan, but for its key: all keys have one length. */
export interface CreateCall {
  readonly bytes: Buffer;
  readonly keyAt: number;
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

  /** So many connections; to several servers in turn if there are several ports. */
  static async connect(port: number | readonly number[], connections: number): Promise<Load> {
    const load = new Load();
    const ports = [port].flat();
    for (let n = 0; n < connections; n += 1) {
      const socket = connect(ports[n % ports.length] ?? 0, '127.0.0.1');
      socket.setNoDelay(true);
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      });
      load.#sockets.push(socket);
    }
    return load;
  }

  /**
   * Creates `total` plans, `depth` of them in flight on each connection; resolves when all are answered.
   * Their keys come in order, unless `place` gives each number another one.
   */
  async create(
    total: number,
    depth: number,
    call: (n: number) => CreateCall,
    place = (n: number) => n,
  ): Promise<void> {
    let started = 0;
    const first = this.#nextKey;
    this.#nextKey += total;
    const next = (): Buffer | undefined =>
      started < total ? withKey(call(started), place(first + started++)) : undefined;
    await Promise.all(this.#sockets.map((socket) => keepInFlight(socket, depth, next)));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** For each number below 2^32 another one below it, as if at random. */
export function scattered(n: number): number {
  let bits = n;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

export const keyOf = (n: number): string => `order:${String(n).padStart(keyDigits, '0')}`;

const intervalCalls = new Map<string, CreateCall>();

/** An HTTP plan, due once in so many seconds, of about 100 bytes of params. */
export function inSeconds(seconds: number, url: string): CreateCall {
  const name = `${seconds} ${url}`;
  let call = intervalCalls.get(name);
  if (call === undefined) {
    if (intervalCalls.size > 1_000) intervalCalls.clear();
    const plan = { second: seconds % 60, minute: Math.floor(seconds / 60) % 60 };
    call = createCall('createTimeout', {
      ...plan,
      ...{ hour: Math.floor(seconds / 3_600), day: 0, month: 0, week: 0, count: 1 },
      ...{ action: 'http', params: new Map([['url', url]]) },
    });
    intervalCalls.set(name, call);
  }
  return call;
}

/** A plan due at that very second. */
export function atSecond(
  second: number,
  action: string,
  params: Readonly<Record<string, string>>,
): CreateCall {
  const time = new Date(second * 1000);
  return createCall('create', {
    ...{ second: time.getUTCSeconds(), minute: time.getUTCMinutes(), hour: time.getUTCHours() },
    ...{ day: time.getUTCDate(), month: time.getUTCMonth() + 1, week: -1 },
    ...{ action, params: new Map(Object.entries(params)) },
  });
}

function createCall<M extends 'create' | 'createTimeout'>(
  name: M,
  plan: StructDraft<ForsunService[M]['args']['fields']>,
): CreateCall {
  const output = new OutputBuffer();
  const writer = binary.createWriter(output);
  writeCall(writer, { name, seqid: 0 }, forsunService[name], { ...plan, key: keyOf(0) });
  const bytes = output.take();
  return { bytes, keyAt: bytes.indexOf(keyOf(0)) + keyOf(0).length - keyDigits };
}

function withKey({ bytes, keyAt }: CreateCall, n: number): Buffer {
  const call = Buffer.from(bytes);
  call.write(String(n).padStart(keyDigits, '0'), keyAt, 'latin1');
  return call;
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
