import { type FileHandle, open } from 'node:fs/promises';

import { crc32c, maskCrc } from './crc32c.ts';
import type { Damage } from './refusal.ts';
import { unsnappy } from './snappy.ts';
import { Varints } from './varints.ts';

/** One version of a key, as LevelDB keeps it until a newer one has swept it away. */
export interface Version {
  readonly key: Buffer;
  readonly sequence: number;
  /** Absent when this version says that the key was removed. */
  readonly value: Buffer | undefined;
}

export type TablePart =
  | { readonly kind: 'versions'; readonly versions: readonly Version[] }
  | { readonly kind: 'damage'; readonly damage: Damage };

interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

const footerSize = 48;
const magic = 0xdb4775248b80fb57n;
const trailerSize = 5;

/**
 * Reads a table (.ldb) block by block and checks every checksum, as LevelDB itself does not; goes on
 * behind a damaged block. Filters hold no entries, but a garbled one hides some, so they are read too.
 */
export async function* readTable(file: string): AsyncGenerator<TablePart> {
  const handle = await open(file, 'r');
  const guarded = async function* (offset: number, read: () => AsyncGenerator<TablePart>) {
    try {
      yield* read();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      yield { kind: 'damage', damage: { file, offset, what: error.message } } as const;
    }
  };
  const blocks = (index: BlockHandle, keep: (block: Buffer) => readonly Version[]) =>
    guarded(index.offset, async function* () {
      for (const block of await blocksNamedIn(handle, index)) {
        yield* guarded(block.offset, async function* () {
          yield { kind: 'versions', versions: keep(await readBlock(handle, block)) };
        });
      }
    });
  try {
    yield* guarded(0, async function* () {
      const { filters, data } = await readFooter(handle);
      yield* blocks(data, (block) => [...versionsIn(block)]);
      yield* blocks(filters, () => []);
    });
  } finally {
    await handle.close();
  }
}

/** An internal key: the user's key, then sequence number u56 and type u8, little-endian. */
export const userKey = (internalKey: Buffer): Buffer =>
  internalKey.subarray(0, internalKey.length - 8);

interface Footer {
  readonly filters: BlockHandle;
  readonly data: BlockHandle;
}

async function readFooter(handle: FileHandle): Promise<Footer> {
  const { size } = await handle.stat();
  if (size < footerSize) throw new RangeError(`${size} bytes are too short for a table`);
  const footer = await readAt(handle, size - footerSize, footerSize);
  if (footer.readBigUInt64LE(footerSize - 8) !== magic) {
    throw new RangeError('it does not end as a table does');
  }
  const handles = new Varints(footer);
  return { filters: blockHandle(handles), data: blockHandle(handles) };
}

async function blocksNamedIn(
  handle: FileHandle,
  index: BlockHandle,
): Promise<readonly BlockHandle[]> {
  const entries = [...entriesIn(await readBlock(handle, index))];
  return entries.map(([, value]) => blockHandle(new Varints(value)));
}

/** Contents of a block; RangeError when they are not as written. */
async function readBlock(handle: FileHandle, { offset, size }: BlockHandle): Promise<Buffer> {
  const bytes = await readAt(handle, offset, size + trailerSize);
  const expected = bytes.readUInt32LE(size + 1);
  if (maskCrc(crc32c(bytes.subarray(0, size + 1))) !== expected) {
    throw new RangeError('the checksum does not match');
  }
  const contents = bytes.subarray(0, size);
  switch (bytes.readUInt8(size)) {
    case 0:
      return contents;
    case 1:
      return unsnappy(contents);
    default:
      throw new RangeError('an unknown compression');
  }
}

function* versionsIn(block: Buffer): Generator<Version> {
  for (const [internalKey, value] of entriesIn(block)) {
    const tag = internalKey.readBigUInt64LE(internalKey.length - 8);
    yield {
      key: userKey(internalKey),
      sequence: Number(tag >> 8n),
      value: (tag & 0xffn) === 1n ? value : undefined,
    };
  }
}

/** Entries share the start of the key before them; the places where none is shared close the block. */
function* entriesIn(block: Buffer): Generator<readonly [Buffer, Buffer]> {
  const end = block.length - 4 - 4 * block.readUInt32LE(block.length - 4);
  if (end < 0) throw new RangeError('a block without an end');
  const reader = new Varints(block.subarray(0, end));
  let key = Buffer.alloc(0);
  while (!reader.isAtEnd) {
    const shared = reader.number();
    const unshared = reader.number();
    const valueLength = reader.number();
    if (shared > key.length) throw new RangeError('a key that shares too much');
    key = Buffer.concat([key.subarray(0, shared), reader.bytes(unshared)]);
    yield [key, reader.bytes(valueLength)];
  }
}

function blockHandle(reader: Varints): BlockHandle {
  const offset = reader.number();
  return { offset, size: reader.number() };
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { size } = await handle.stat();
  if (offset + length > size) throw new RangeError('it points behind the end of the file');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
  if (bytesRead < length) throw new RangeError('the file ends early');
  return buffer;
}
