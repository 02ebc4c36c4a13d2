import type { Store } from '../store.ts';
import { readCounts } from './counts.ts';
import { type Database, type DatabaseOptions, openDatabase } from './database.ts';
import { FailureRing } from './failures.ts';
import { failuresKeptDefault } from '../../core/failure.ts';
import { LevelStore, type LevelStoreSettings } from './level-store.ts';
import { recover } from './recovery.ts';

export type LevelStoreOptions = LevelStoreSettings & Omit<DatabaseOptions, 'onReopened'>;

/** Opens the store in that directory, and puts what the process before left in flight on the agenda. */
export function openLevelStore(options: LevelStoreOptions): Promise<Store> {
  return openLevelStoreOver((onReopened) => openDatabase({ ...options, onReopened }), options);
}

/** As openLevelStore, over the database that `open` opens. */
export async function openLevelStoreOver(
  open: (onReopened: () => Promise<void>) => Promise<Database>,
  settings: LevelStoreSettings,
): Promise<Store> {
  const { clock, log, statusKeepSeconds, random, failuresKept = failuresKeptDefault } = settings;
  let store: LevelStore | undefined;
  const db = await open(async () => store?.onReopened());
  try {
    const ending = { now: clock.now(), statusKeepSeconds };
    const found = await readCounts(db);
    const failures = await FailureRing.open(db, failuresKept, log);
    const { recovery, counts } = await recover(db, found, { log, ending, random, failures });
    return (store = new LevelStore({ db, counts, failures }, recovery, settings));
  } catch (error) {
    await db.close();
    throw error;
  }
}
