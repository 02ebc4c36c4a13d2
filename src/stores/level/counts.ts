import { crc32 } from 'node:zlib';

import { ForsunError } from '../../core/errors.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import type { Database } from './database.ts';
import { countsKey, endMarks, rangeOf } from './keys.ts';

/**
 * What the store counts instead of finding it by a scan; written with the change that moves it.
 *
 *   byte    version: 1
 *   uint32  CRC-32 of what follows (little-endian)
 *   varint  plans in the store
 *   varint  newest generation: never used again, not even after a remove
 */
export interface Counts {
  readonly plans: number;
  readonly generation: number;
}

const version = 1;
const headerBytes = 5;

export function encodeCounts({ plans, generation }: Counts): Buffer {
  const writer = new ByteWriter(64);
  writer.byte(version);
  writer.uint32(0);
  writer.varint(plans);
  writer.varint(generation);
  const bytes = writer.take();
  bytes.writeUInt32LE(crc32(bytes.subarray(headerBytes)), 1);
  return bytes;
}

/** Throws what a store that cannot be trusted is refused with. */
export function decodeCounts(bytes: Buffer): Counts {
  if (bytes[0] !== version) {
    throw new ForsunError(
      'unknown',
      `the store's counts have version ${bytes[0] ?? 'none'}, this forsund reads version ${version}`,
    );
  }
  if (
    bytes.length < headerBytes + 2 ||
    bytes.readUInt32LE(1) !== crc32(bytes.subarray(headerBytes))
  ) {
    throw new ForsunError(
      'unknown',
      `the store's counts are damaged (${bytes.toString('hex')}): run forsund check`,
    );
  }
  const reader = new ByteReader(bytes, headerBytes);
  return { plans: reader.varint(), generation: reader.varint() };
}

/** The counts of the store, which is made ready for its first change when it is empty. */
export async function readCounts(db: Database): Promise<Counts> {
  const [bytes] = await db.getMany([countsKey]);
  if (bytes !== undefined) return decodeCounts(bytes);
  const { start, end } = rangeOf('plan');
  const plans = await db.keys({ gte: start, lt: end, limit: 1 });
  if (plans.length === 0) return startCounts(db);
  throw new ForsunError('unknown', 'the store has plans but no counts: run forsund check');
}

/** Makes an empty store ready for its first change. */
async function startCounts(db: Database): Promise<Counts> {
  const counts = { plans: 0, generation: 0 };
  await db.write((batch) => {
    batch.put(countsKey, encodeCounts(counts));
    for (const mark of endMarks) batch.put(mark, Buffer.alloc(0));
  });
  return counts;
}
