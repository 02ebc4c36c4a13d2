import { recordHeaderSize } from './log-format.ts';
import type { Version } from './table.ts';
import { Varints } from './varints.ts';

/**
 * The first entry of every batch, under the smallest key there can be:
 * version u8 (1), number u64, mode u8 (1: each batch was fsynced before the next was written).
 */
export const commitKey = Buffer.of(0);

export interface CommitRecord {
  /** Counts batches from 1; each is one more than the one before it in the same store. */
  readonly commit: number;
  /** All batches before it were on disk when it was written. */
  readonly isOrdered: boolean;
}

const version = 1;
const valueSize = 10;

export function encodeCommit({ commit, isOrdered }: CommitRecord): Buffer {
  const value = Buffer.allocUnsafe(valueSize);
  value[0] = version;
  value.writeBigUInt64BE(BigInt(commit), 1);
  value[9] = isOrdered ? 1 : 0;
  return value;
}

/** Undefined when the value is not one of ours. */
export function decodeCommit(value: Buffer): CommitRecord | undefined {
  if (value.length !== valueSize || value[0] !== version) return undefined;
  return { commit: Number(value.readBigUInt64BE(1)), isOrdered: value[9] === 1 };
}

/** A batch as LevelDB logs it: sequence u64, count u32, then its entries; the first one is ours. */
export interface LoggedBatch extends CommitRecord {
  readonly sequence: number;
  readonly count: number;
}

const removeTag = 0;
const putTag = 1;
const entryOffset = 12;
// No store lives to write 2^48 batches, so the number's first two bytes are zero.
const entryStart = Buffer.concat([
  Buffer.of(putTag, commitKey.length),
  commitKey,
  Buffer.of(valueSize, version, 0, 0),
]);

/** Undefined when the record is no batch that we wrote. */
export function decodeBatch(payload: Buffer): LoggedBatch | undefined {
  if (payload.length < entryOffset + 3 + commitKey.length + valueSize) return undefined;
  const entries = new Varints(payload, entryOffset);
  if (entries.number() !== putTag || !entries.bytes().equals(commitKey)) return undefined;
  const record = decodeCommit(entries.bytes());
  if (record === undefined) return undefined;
  return {
    ...record,
    sequence: Number(payload.readBigUInt64LE(0)),
    count: payload.readUInt32LE(8),
  };
}

/** The entries of a logged batch; RangeError when they are not as LevelDB writes them. */
export function* versionsOf(payload: Buffer): Generator<Version> {
  const reader = new Varints(payload, entryOffset);
  let sequence = Number(payload.readBigUInt64LE(0));
  for (; !reader.isAtEnd; sequence++) {
    const tag = reader.number();
    if (tag !== putTag && tag !== removeTag) throw new RangeError(`an entry of kind ${tag}`);
    const key = reader.bytes();
    yield { key, sequence, value: tag === putTag ? reader.bytes() : undefined };
  }
}

/** Where the next bytes that look like the start of a logged batch of ours begin; -1 when none do. */
export function findBatch(log: Buffer, from: number): number {
  const found = log.indexOf(entryStart, from + recordHeaderSize + entryOffset);
  return found < 0 ? -1 : found - entryOffset - recordHeaderSize;
}
