import { syncDirectory, syncFile } from './durable-file.ts';
import { isMissing } from './faults.ts';
import { logFile, logNumbers } from './level-files.ts';

/**
 * Brings to disk all that LevelDB has written: every log, for when it moves on to a new one it does
 * not sync what it leaves behind, and the directory, so that the newest log is found again.
 */
export async function syncLogs(database: string): Promise<void> {
  for (const number of await logNumbers(database)) {
    await syncFile(logFile(database, number)).catch((error: unknown) => {
      // Deleted meanwhile: what it held is in a table, which LevelDB syncs before.
      if (!isMissing(error)) throw error;
    });
  }
  await syncDirectory(database);
}
