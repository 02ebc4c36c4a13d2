import { ClassicLevel } from 'classic-level';

import { planNotStored } from '../../core/errors.ts';

/** Bytes of a key range, `gte` inclusive, `lt` exclusive; `reverse` walks from its end. */
export interface Range {
  readonly gte: Buffer;
  readonly lt: Buffer;
  readonly reverse?: boolean;
  readonly limit?: number;
}

export interface WriteBatch {
  put(key: Buffer, value: Buffer): void;
  del(key: Buffer): void;
}

/**
 * LevelDB as the level store sees it: what it acknowledges is on disk, what it cannot vouch for is
 * refused. A failed write rejects with plan_not_stored, and so does every later one until the database
 * has been opened anew and found sound; `onReopened` then tells that memory must be built anew too.
 */
export interface Database {
  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]>;
  entries(range: Range): Promise<readonly (readonly [Buffer, Buffer])[]>;
  keys(range: Range): Promise<readonly Buffer[]>;
  /** Writes all or nothing, and returns once it is durable as the sync setting says. */
  write(fill: (batch: WriteBatch) => void): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly directory: string;
  readonly sync: 'always' | 'everysec' | 'never';
  /** Called when a failed database has been opened anew, before the next write is let through. */
  readonly onReopened?: () => Promise<void>;
}

const binary = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;

export async function openDatabase({ directory, sync }: DatabaseOptions): Promise<Database> {
  const db = new ClassicLevel<Buffer, Buffer>(directory, {
    ...binary,
    writeBufferSize: 16 * 1024 * 1024,
    cacheSize: 16 * 1024 * 1024,
    maxOpenFiles: 256,
  });
  await db.open();
  return {
    getMany: (keys) => db.getMany([...keys]),
    entries: (range) => db.iterator(range).all(),
    keys: (range) => db.keys(range).all(),
    async write(fill) {
      const batch = db.batch();
      fill({
        put: (key, value) => void batch.put(key, value),
        del: (key) => void batch.del(key),
      });
      await batch.write({ sync: sync === 'always' }).catch((error: unknown) => {
        throw planNotStored('the store could not be written', error);
      });
    },
    close: () => db.close(),
  };
}
