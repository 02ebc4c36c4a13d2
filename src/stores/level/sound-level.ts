import { ClassicLevel } from 'classic-level';

import type { Log } from '../../core/log.ts';
import { commitKey, decodeCommit } from './commit-record.ts';
import { reasonOf } from './faults.ts';
import { cutJournal, type JournalFault, liveLogs, readJournal } from './journal.ts';
import type { Layout } from './layout.ts';
import { liveTables, newestTabledCommit, requireTable } from './live-tables.ts';
import { readManifest } from './manifest.ts';
import { type Damage, storeDamaged } from './refusal.ts';

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
  for (const table of liveTables(layout.database, manifest)) await requireTable(table);
  const journal = await readJournal(await liveLogs(layout.database, manifest), manifest);
  // Judged before LevelDB opens: it would move the logs into tables, and delete them.
  const commit = journal.commit ?? (await newestTabledCommit(layout.database, manifest));
  const damage = damageOf(journal.fault, commit, acknowledged, layout);
  if (damage !== undefined) throw storeDamaged(damage);
  if (journal.fault !== undefined) {
    const { file, offset, what, isBeforeWhole } = journal.fault;
    log.warn('store_log_tail_dropped', { file, offset, what, hadWholeBatches: isBeforeWhole });
    await cutJournal(journal.fault);
  }
  const level = await openLevel(layout.database);
  try {
    return { level, commit: await newestCommit(level, layout) };
  } catch (error) {
    await level.close();
    throw error;
  }
}

/**
 * What is wrong when the files hold everything up to `commit`, and then perhaps a fault. A fault behind
 * all that was acknowledged is none: a crash left it.
 */
export function damageOf(
  fault: JournalFault | undefined,
  commit: number,
  acknowledged: number,
  layout: Layout,
): Damage | undefined {
  if (fault?.isDamage === true) return fault;
  if (commit >= acknowledged) return undefined;
  const what = `it ends with commit ${commit}, but commit ${acknowledged} was acknowledged`;
  return fault ?? { file: layout.database, what };
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

async function openLevel(directory: string): Promise<Level> {
  const level = new ClassicLevel<Buffer, Buffer>(directory, {
    ...settings,
    createIfMissing: false,
  });
  await level.open().catch((error: unknown) => {
    if (!/^Corruption/.test(reasonOf(error))) throw error;
    throw storeDamaged({ file: directory, what: reasonOf(error) }, error);
  });
  return level;
}

/** An empty LevelDB where there is none. */
export async function createLevel(directory: string): Promise<Level> {
  const level = new ClassicLevel<Buffer, Buffer>(directory, { ...settings, errorIfExists: true });
  await level.open();
  return level;
}

const settings = {
  keyEncoding: 'buffer',
  valueEncoding: 'buffer',
  // 64 MiB would take 4 times as long to open anew after a crash.
  writeBufferSize: 16 * 1024 * 1024,
  cacheSize: 16 * 1024 * 1024,
  maxOpenFiles: 256,
} as const;
