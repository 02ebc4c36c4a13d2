import type { Version } from './table.ts';
import { createLevel, type Level } from './sound-level.ts';

/**
 * Finds the newest version of every key, given in any order and more than memory holds: a LevelDB of
 * its own keeps, under each key, sequence u64, whether it was put (1) or removed (0) u8, and the value.
 */
export class VersionStage {
  readonly level: Level;

  private constructor(level: Level) {
    this.level = level;
  }

  static async open(directory: string): Promise<VersionStage> {
    return new VersionStage(await createLevel(directory));
  }

  /** The value a staged entry stands for; undefined when its key was removed. */
  static valueOf(staged: Buffer): Buffer | undefined {
    return staged[8] === 1 ? staged.subarray(headerSize) : undefined;
  }

  async add(versions: readonly Version[]): Promise<void> {
    const newest = new Map<string, Version>();
    for (const version of versions) {
      const name = version.key.toString('latin1');
      if ((newest.get(name)?.sequence ?? -1) < version.sequence) newest.set(name, version);
    }
    const candidates = [...newest.values()];
    const staged = await this.level.getMany(candidates.map(({ key }) => key));
    const batch = this.level.batch();
    for (const [at, { key, sequence, value }] of candidates.entries()) {
      const before = staged[at];
      if (before !== undefined && before.readBigUInt64BE(0) >= BigInt(sequence)) continue;
      const header = Buffer.alloc(headerSize);
      header.writeBigUInt64BE(BigInt(sequence), 0);
      header[8] = value === undefined ? 0 : 1;
      batch.put(key, value === undefined ? header : Buffer.concat([header, value]));
    }
    await batch.write();
  }

  async get(key: Buffer): Promise<Buffer | undefined> {
    const staged = await this.level.get(key);
    return staged === undefined ? undefined : VersionStage.valueOf(staged);
  }

  close(): Promise<void> {
    return this.level.close();
  }
}

const headerSize = 9;
