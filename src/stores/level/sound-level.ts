import { stat } from 'node:fs/promises';

import { ClassicLevel } from 'classic-level';

import type { Log } from '../../core/log.ts';
import { commitKey, decodeCommit } from './commit-record.ts';
import { isMissing, reasonOf } from './faults.ts';
import { cutJournal, type Journal, liveLogs, readJournal } from './journal.ts';
import type { Layout } from './layout.ts';
import { tableFile } from './level-files.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { storeDamaged } from './refusal.ts';

export type Level = ClassicLevel<Buffer, Buffer>;

/** A LevelDB that holds all it acknowledged, and the number of its newest commit. */
export interface SoundLevel {
  readonly level: Level;
  readonly commit: number;
}

/**
 * Opens LevelDB once its files are known to hold every commit up to `acknowledged`; until then nothing
 * is changed, for LevelDB drops what it cannot read and tidies up behind itself.
 */
export async function openSoundLevel(
  layout: Layout,
  acknowledged: number,
  log: Log,
): Promise<SoundLevel> {
  const manifest = await readManifest(layout.database);
  await findTables(layout.database, manifest);
  const journal = await readJournal(await liveLogs(layout.database, manifest), manifest);
  judge(journal, acknowledged, layout);
  if (journal.fault !== undefined) {
    const { file, offset, what, isBeforeWhole } = journal.fault;
    log.warn('store_log_tail_dropped', { file, offset, what, hadWholeBatches: isBeforeWhole });
    await cutJournal(journal.fault);
  }
  const level = await openLevel(layout.database);
  try {
    const commit = await newestCommit(level, layout);
    refuseLoss(commit, acknowledged, layout);
    return { level, commit };
  } catch (error) {
    await level.close();
    throw error;
  }
}

function judge({ fault, commit }: Journal, acknowledged: number, layout: Layout): void {
  if (fault?.isBeforeSynced === true) throw storeDamaged(fault);
  if (commit === undefined || commit >= acknowledged) return;
  if (fault !== undefined) throw storeDamaged(fault);
  refuseLoss(commit, acknowledged, layout);
}

function refuseLoss(commit: number, acknowledged: number, layout: Layout): void {
  if (commit >= acknowledged) return;
  const what = `it ends with commit ${commit}, but commit ${acknowledged} was acknowledged`;
  throw storeDamaged({ file: layout.database, what });
}

async function newestCommit(level: Level, layout: Layout): Promise<number> {
  const value = await level.get(commitKey);
  if (value === undefined) return 0;
  const record = decodeCommit(value);
  if (record === undefined) {
    throw storeDamaged({ file: layout.database, what: 'the commit record cannot be read' });
  }
  return record.commit;
}

/** Every live table is there in its full length; what is in them is told by their checksums later. */
async function findTables(database: string, { tables }: Manifest): Promise<void> {
  for (const [number, size] of tables) {
    const file = tableFile(database, number);
    const found = await stat(file).catch((error: unknown) => {
      throw isMissing(error) ? storeDamaged({ file, what: 'it is missing' }, error) : error;
    });
    if (found.size !== size) {
      throw storeDamaged({ file, what: `it has ${found.size} bytes, ${size} were written` });
    }
  }
}

async function openLevel(directory: string): Promise<Level> {
  const level = new ClassicLevel<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    createIfMissing: false,
    // 64 MiB would take 4 times as long to open anew after a crash.
    writeBufferSize: 16 * 1024 * 1024,
    cacheSize: 16 * 1024 * 1024,
    maxOpenFiles: 256,
  });
  await level.open().catch((error: unknown) => {
    if (!/^Corruption/.test(reasonOf(error))) throw error;
    throw storeDamaged({ file: directory, what: reasonOf(error) }, error);
  });
  return level;
}
