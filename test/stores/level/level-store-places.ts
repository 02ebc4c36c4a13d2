import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { silentLog } from '../../../src/core/log.ts';
import { type Database, openDatabase } from '../../../src/stores/level/database.ts';
import type { LevelStoreOptions } from '../../../src/stores/level/open-level-store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { T0 } from '../../support/plans.ts';

/** What an embedded store is opened with in a test, in a directory of its own. */
export async function levelOptions(
  overrides: Partial<LevelStoreOptions> = {},
): Promise<LevelStoreOptions & { readonly clock: FakeClock }> {
  const directory = await mkdtemp(join(tmpdir(), 'forsun-store-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return {
    directory,
    sync: 'always',
    reserveBytes: 0,
    log: silentLog,
    onFatal: (error) => {
      throw error;
    },
    statusKeepSeconds: 0,
    random: () => 0.5,
    ...overrides,
    clock: new FakeClock(T0),
  };
}

/** Does something to the database of a store that is not open. */
export async function withDatabase<T>(
  options: LevelStoreOptions,
  use: (db: Database) => Promise<T>,
): Promise<T> {
  const db = await openDatabase(options);
  try {
    return await use(db);
  } finally {
    await db.close();
  }
}
