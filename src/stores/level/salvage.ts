import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { versionsOf } from './commit-record.ts';
import { isMissing } from './faults.ts';
import { liveLogs, nextBatch } from './journal.ts';
import { logFile, logNumbers } from './level-files.ts';
import { logRecords } from './log-format.ts';
import { liveTables } from './live-tables.ts';
import { readManifest } from './manifest.ts';
import { type Damage, StoreRefusal } from './refusal.ts';
import { readTable, type TablePart, type Version } from './table.ts';

/**
 * All versions of all keys that can be read from LevelDB's files, in no order, and the places that
 * cannot. With the manifest gone, every table and log there is counts as live.
 */
export async function* salvage(database: string): AsyncGenerator<TablePart> {
  const damage: Damage[] = [];
  const { tables, logs } = await filesOf(database, damage);
  for (const one of damage) yield { kind: 'damage', damage: one };
  for (const file of tables) yield* salvaged(file, readTable(file));
  for (const file of logs) yield* salvaged(file, salvageLog(file));
}

interface Files {
  readonly tables: readonly string[];
  readonly logs: readonly string[];
}

async function filesOf(database: string, damage: Damage[]): Promise<Files> {
  const noted = (error: unknown): undefined => {
    if (!(error instanceof StoreRefusal) || error.damage === undefined) throw error;
    damage.push(error.damage);
  };
  const manifest = await readManifest(database).catch(noted);
  const names = await readdir(database).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const everyLog = async (): Promise<readonly string[]> =>
    names.length === 0
      ? []
      : (await logNumbers(database)).map((number) => logFile(database, number));
  if (manifest === undefined) {
    const tables = names
      .filter((name) => name.endsWith('.ldb'))
      .map((name) => join(database, name));
    return { tables, logs: await everyLog() };
  }
  const logs = (await liveLogs(database, manifest).catch(noted)) ?? (await everyLog());
  return { tables: liveTables(database, manifest).map(({ file }) => file), logs };
}

/** A file that is missing, or that the disk does not give, is damage like any other. */
async function* salvaged(
  file: string,
  parts: AsyncGenerator<TablePart>,
): AsyncGenerator<TablePart> {
  try {
    yield* parts;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    yield { kind: 'damage', damage: { file, what: `it cannot be read: ${error.message}` } };
  }
}

async function* salvageLog(file: string): AsyncGenerator<TablePart> {
  const bytes = await readFile(file);
  for (let from = 0; from >= 0;) {
    const records = logRecords(bytes, from);
    let record = records.next();
    let versions: Version[] = [];
    for (; record.done !== true; record = records.next()) {
      versions.push(...versionsOf(record.value.payload));
      if (versions.length < enough) continue;
      yield { kind: 'versions', versions };
      versions = [];
    }
    yield { kind: 'versions', versions };
    const fault = record.value;
    if (fault === undefined) return;
    yield { kind: 'damage', damage: { file, offset: fault.offset, what: fault.what } };
    from = nextBatch(bytes, fault.offset);
  }
}

const enough = 1_000;
