import { rm } from 'node:fs/promises';

import type { Log } from '../../core/log.ts';
import type { Clock } from '../../core/time.ts';
import type { Buckets } from '../../metrics/buckets.ts';
import { CommitFile } from './commit-file.ts';
import { createStore } from './creation.ts';
import { lockDirectory } from './directory-lock.ts';
import { refuseFile, refuseForsunDump } from './dump.ts';
import { makeDirectory } from './durable-file.ts';
import { isDiskFull, reasonOf } from './faults.ts';
import { type Layout, layoutOf } from './layout.ts';
import { readMarker } from './marker.ts';
import { StoreRefusal, storeUnusable } from './refusal.ts';
import { SoundDatabase } from './sound-database.ts';
import { openSoundLevel } from './sound-level.ts';

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
 * Keys that start with byte 0x00 are the database's own.
 */
export interface Database {
  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]>;
  entries(range: Range): Promise<readonly (readonly [Buffer, Buffer])[]>;
  keys(range: Range): Promise<readonly Buffer[]>;
  /** Writes all or nothing, and returns once it is durable as the sync setting says; one at a time. */
  write(fill: (batch: WriteBatch) => void): Promise<void>;
  /**
   * The disk is, or was a moment ago, full: new plans are to be refused, so that what is left of it
   * goes to firing those there are. Writes are let through all the same.
   */
  readonly isFull: boolean;
  /** Why writes are refused, or do not come to an end; undefined while all is well. */
  readonly trouble: string | undefined;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly directory: string;
  readonly sync: 'always' | 'everysec' | 'never';
  readonly clock: Clock;
  readonly log: Log;
  /** Told how many seconds each write took. */
  readonly commitTimes?: Buckets;
  /** Called when a failed database has been opened anew, before the next write is let through. */
  readonly onReopened?: () => Promise<void>;
  /** What was acknowledged may be lost unless the process ends and starts anew, which it must. */
  readonly onFatal: (error: Error) => void;
  /** Blocks kept to go on firing when the disk is full; 64 MiB unless told otherwise, 0 for none. */
  readonly reserveBytes?: number;
  /** Where the original keeps its dump; when one is there, no new store is made. */
  readonly forsunDump?: string;
}

/** Refuses with a StoreRefusal that a person can act on; creates the store when there is none. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { directory } = options;
  await refuseFile(directory);
  const layout = layoutOf(directory);
  try {
    return await open(options, layout, false).catch(async (error: unknown) => {
      if (!isDiskFull(error)) throw error;
      // Whoever holds the lock needs no room to say so: nobody else lives from this reserve.
      await rm(layout.reserve, { force: true });
      return open(options, layout, true);
    });
  } catch (error) {
    throw error instanceof StoreRefusal ? error : storeUnusable(directory, error);
  }
}

async function open(
  options: DatabaseOptions,
  layout: Layout,
  wasFull: boolean,
): Promise<SoundDatabase> {
  const { clock, log, forsunDump } = options;
  const { directory, marker } = layout;
  await makeDirectory(directory);
  const lock = await lockDirectory(layout);
  let commitFile: CommitFile | undefined;
  try {
    if ((await readMarker(marker)) === undefined) {
      if (forsunDump !== undefined) await refuseForsunDump(forsunDump);
      await createStore(layout, clock.nowMs());
      log.info('store_created', { directory });
    }
    commitFile = await CommitFile.open(layout.commit, (error) => {
      log.warn('store_commit_file_not_written', { reason: reasonOf(error) });
    });
    const sound = await openSoundLevel(layout, commitFile.commit, log);
    return new SoundDatabase({ options, layout, lock, commitFile, wasFull, ...sound });
  } catch (error) {
    await commitFile?.close();
    await lock.release();
    throw error;
  }
}
