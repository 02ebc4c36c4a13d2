import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { silentLog } from '../../src/core/log.ts';
import {
  type Database,
  type DatabaseOptions,
  openDatabase,
} from '../../src/stores/level/database.ts';
import { FakeClock } from './fake-clock.ts';

/** A directory that is gone when the test is, with all that was laid beside it. */
export async function aDirectory(): Promise<string> {
  const around = await mkdtemp(join(tmpdir(), 'forsun-store-'));
  onTestFinished(() => rm(around, { recursive: true, force: true }));
  const directory = join(around, 'directory');
  await mkdir(directory);
  return directory;
}

/** No reserve, each batch synced, and a fatal error is a failure. */
export const databaseDefaults = (directory: string): DatabaseOptions => ({
  directory,
  sync: 'always',
  clock: new FakeClock(),
  log: silentLog,
  reserveBytes: 0,
  onFatal: (error) => {
    throw error;
  },
});

/** A database with the defaults; the test closes it, or it is closed when the test is finished. */
export async function aDatabase(
  directory: string,
  options: Partial<DatabaseOptions> = {},
): Promise<Database> {
  const database = await openDatabase({ ...databaseDefaults(directory), ...options });
  onTestFinished(() => database.close());
  return database;
}

export const key = (n: number): Buffer => Buffer.from(`k${String(n).padStart(8, '0')}`);
export const value = (n: number, size = 100): Buffer => Buffer.alloc(size, `${n};`);

/** Puts entries from..to-1 in one batch. */
export const putMany = (database: Database, from: number, to: number, size = 100): Promise<void> =>
  database.write((batch) => {
    for (let n = from; n < to; n++) batch.put(key(n), value(n, size));
  });

/** How many of the entries 0..count-1 are there with the value they were put with. */
export async function countKept(
  database: Pick<Database, 'getMany'>,
  count: number,
  size = 100,
): Promise<number> {
  const values = await database.getMany(Array.from({ length: count }, (_, n) => key(n)));
  return values.filter((found, n) => found?.equals(value(n, size))).length;
}

/** Files in LevelDB's directory whose name ends so, oldest first. */
export async function levelFiles(directory: string, ending: string): Promise<readonly string[]> {
  const names = await readdir(directory);
  return names
    .filter((name) => name.endsWith(ending) || name.startsWith(ending))
    .sort()
    .map((name) => join(directory, name));
}
