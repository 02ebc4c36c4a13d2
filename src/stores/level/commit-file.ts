import { open, readFile, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

import { writeDurably } from './durable-file.ts';
import { isMissing } from './faults.ts';
import { storeDamaged } from './refusal.ts';

/**
 * The number of the last commit known to be on disk, written in place after LevelDB's own fsync and
 * without one: after a power cut it may lag, it never leads. Two slots take turns, each number u64 and
 * CRC-32 u32, a sector apart, so that a torn write spoils at most the newer one.
 */
export class CommitFile {
  readonly #handle: FileHandle;
  readonly #onError: (error: unknown) => void;
  #written: number;
  #wanted: number;
  #writing: Promise<void> | undefined;

  private constructor(handle: FileHandle, commit: number, onError: (error: unknown) => void) {
    this.#handle = handle;
    this.#onError = onError;
    this.#written = commit;
    this.#wanted = commit;
  }

  static async create(file: string, commit = 0): Promise<void> {
    await writeDurably(file, Buffer.concat([slot(commit), slot(commit)]));
  }

  /** `onError` hears of a note that could not be written: the number lags, the store goes on. */
  static async open(file: string, onError: (error: unknown) => void): Promise<CommitFile> {
    const commit = await readCommitFile(file);
    return new CommitFile(await open(file, 'r+'), commit, onError);
  }

  /** What it said when it was opened, or was told since. */
  get commit(): number {
    return this.#wanted;
  }

  /**
   * Takes note of a commit that is on disk. Writes in the background, the newest number only, so a
   * caller never waits.
   */
  note(commit: number): void {
    this.#wanted = commit;
    this.#writing ??= this.#write()
      .catch(this.#onError)
      .finally(() => (this.#writing = undefined));
  }

  /** Brings the newest number to disk. */
  async sync(): Promise<void> {
    await this.#writing;
    await this.#write();
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#handle.close();
  }

  async #write(): Promise<void> {
    while (this.#written !== this.#wanted) {
      const commit = this.#wanted;
      await this.#handle.write(slot(commit), 0, numberSize, (commit % 2) * slotSize);
      this.#written = commit;
    }
  }
}

const slotSize = 512;
const numberSize = 12;

/** The larger number of the two slots; refuses when neither is sound. */
export async function readCommitFile(file: string): Promise<number> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw isMissing(error) ? storeDamaged({ file, what: 'it is missing' }, error) : error;
  });
  const numbers = [numberIn(bytes, 0), numberIn(bytes, slotSize)].filter((n) => n !== undefined);
  if (numbers.length === 0)
    throw storeDamaged({ file, offset: 0, what: 'the checksum does not match' });
  return Math.max(...numbers);
}

function slot(commit: number): Buffer {
  const bytes = Buffer.alloc(slotSize);
  bytes.writeBigUInt64BE(BigInt(commit), 0);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
  return bytes;
}

function numberIn(bytes: Buffer, at: number): number | undefined {
  if (bytes.length < at + numberSize) return undefined;
  const isSound = bytes.readUInt32BE(at + 8) === crc32(bytes.subarray(at, at + 8));
  return isSound ? Number(bytes.readBigUInt64BE(at)) : undefined;
}
