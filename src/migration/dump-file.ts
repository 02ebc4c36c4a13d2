import { createReadStream } from 'node:fs';

import { BadMsgpack, type Head, headOf, headTail } from './msgpack.ts';
import { recordOf, type SourceRecord } from './source-record.ts';

/** A dump that cannot be read on; the message says why. */
export class BadDump extends Error {
  override readonly name = 'BadDump';
}

/**
 * The plans of a dump of the original's `mem` store, each as it is packed, in the order of the file:
 *
 *   map of plans:        array of raws, each a plan (original-plan.ts)
 *          time_plans:   map of due time: array of keys; told by the plans themselves, too
 *          current_time: the second it was at when it stopped in order, else 0
 *
 * A file of any size takes the memory of one plan. Rejects with BadDump, at its end, if it was cut short.
 */
export async function* plansOfDump(path: string): AsyncGenerator<SourceRecord> {
  const stream = createReadStream(path, { highWaterMark: chunkBytes });
  const bytes = new ByteStream(stream);
  try {
    for (let left = await lengthOf(bytes, 'map'); left > 0; left -= 1) {
      const name = (await rawOf(bytes)).toString();
      if (!names.has(name))
        throw new BadDump(`it is no dump of the original: it has ${quoted(name)}`);
      if (name === 'plans') yield* recordsOf(bytes);
      else await skip(bytes);
    }
    if (!(await bytes.isAtEnd())) throw new BadDump('there is more behind the dump');
  } catch (error) {
    if (!(error instanceof BadMsgpack || error instanceof BadDump)) throw error;
    throw new BadDump(`${path}: ${error.message}`, { cause: error });
  } finally {
    stream.destroy();
  }
}

const names: ReadonlySet<string> = new Set(['plans', 'time_plans', 'current_time']);
const quoted = (name: string): string => JSON.stringify(name.slice(0, 64));

const chunkBytes = 256 * 1024;
/** A plan of the largest params that a message may hold. */
const maxPlanBytes = 32 * 1024 * 1024;

async function* recordsOf(bytes: ByteStream): AsyncGenerator<SourceRecord> {
  const count = await lengthOf(bytes, 'array');
  for (let n = 1; n <= count; n += 1) yield recordOf(`plan ${n}`, await rawOf(bytes));
}

async function rawOf(bytes: ByteStream): Promise<Buffer> {
  const length = await lengthOf(bytes, 'raw');
  if (length > maxPlanBytes) throw new BadDump(`it has a plan of ${length} bytes`);
  return bytes.take(length);
}

async function lengthOf(bytes: ByteStream, kind: 'raw' | 'array' | 'map'): Promise<number> {
  const head = await headFrom(bytes);
  if (head.kind === kind) return head.length;
  throw new BadDump(`it is no dump of the original: ${head.kind} came, expected ${kind}`);
}

async function headFrom(bytes: ByteStream): Promise<Head> {
  const first = (await bytes.take(1)).readUInt8();
  return headOf(first, await bytes.take(headTail(first)));
}

/** Passes over one value, whatever is in it, without keeping any of it. */
async function skip(bytes: ByteStream): Promise<void> {
  for (let values = 1; values > 0; values -= 1) {
    const head = await headFrom(bytes);
    if (head.kind === 'raw') await bytes.pass(head.length);
    else if (head.kind !== 'value') values += head.kind === 'map' ? 2 * head.length : head.length;
  }
}

/** Bytes that come in chunks, taken in other pieces. */
class ByteStream {
  readonly #chunks: AsyncIterator<Buffer, undefined>;
  #chunk: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  }

  async take(length: number): Promise<Buffer> {
    while (this.#chunk.length < length) await this.#more();
    const taken = this.#chunk.subarray(0, length);
    this.#chunk = this.#chunk.subarray(length);
    return taken;
  }

  async pass(length: number): Promise<void> {
    let left = length;
    while (this.#chunk.length < left) {
      left -= this.#chunk.length;
      this.#chunk = Buffer.alloc(0);
      await this.#more();
    }
    this.#chunk = this.#chunk.subarray(left);
  }

  async isAtEnd(): Promise<boolean> {
    return this.#chunk.length === 0 && (await this.#chunks.next()).done === true;
  }

  async #more(): Promise<void> {
    const { value } = await this.#chunks.next();
    if (value === undefined) throw new BadDump('it ends too early: it was cut short');
    this.#chunk = this.#chunk.length === 0 ? value : Buffer.concat([this.#chunk, value]);
  }
}
