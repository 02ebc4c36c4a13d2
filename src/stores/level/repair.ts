import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';

import type { Log } from '../../core/log.ts';
import { type Entry, pages } from './check.ts';
import { CommitFile, readCommitFile } from './commit-file.ts';
import { commitKey, decodeCommit, encodeCommit } from './commit-record.ts';
import { exists, requireStore } from './creation.ts';
import { lockDirectory } from './directory-lock.ts';
import { refuseFile } from './dump.ts';
import { syncDirectory, writeDurably } from './durable-file.ts';
import { type Layout, layoutOf } from './layout.ts';
import { syncLogs } from './log-sync.ts';
import { markerText, readMarker } from './marker.ts';
import { type Damage, describeDamage, StoreRefusal } from './refusal.ts';
import { salvage } from './salvage.ts';
import { createLevel, type Level } from './sound-level.ts';
import { VersionStage } from './version-stage.ts';

/** Makes a sound store's entries from those that could be read; the level store knows how. */
export interface ContentsRebuild {
  /**
   * What to write for an entry, in any order of calls: itself and others made from it, none for what is
   * made from others; undefined drops it as unsound.
   */
  take(key: Buffer, value: Buffer): readonly Entry[] | undefined;
  /** Entries that stand for all: counts, the next generation. */
  finish(): readonly Entry[];
}

export interface RepairOptions {
  readonly log: Log;
  readonly nowMs: number;
  /** Absent: every entry that could be read is kept as it is. */
  readonly rebuild?: ContentsRebuild;
}

export interface RepairReport {
  /** Where the damaged store was put. */
  readonly keptAside: string;
  /** Entries read, and of these dropped as unsound; entries written, those made anew included. */
  readonly entriesRead: number;
  readonly entriesDropped: number;
  readonly entriesWritten: number;
  /** Places that could not be read: what was there is lost. */
  readonly damage: readonly Damage[];
  /** Commits that were acknowledged behind the newest one that could be read. */
  readonly commitsLost: number;
}

/**
 * Builds a sound store from what can be read of a damaged one, which is put aside whole. At every
 * moment a start finds either the damaged store or the sound one, or is refused.
 */
export async function repairStore(
  directory: string,
  options: RepairOptions,
): Promise<RepairReport> {
  await refuseFile(directory);
  const layout = layoutOf(directory);
  await requireStore(layout);
  const lock = await lockDirectory(layout);
  try {
    return await repair(layout, options);
  } finally {
    await lock.release();
  }
}

async function repair(layout: Layout, options: RepairOptions): Promise<RepairReport> {
  const { log, nowMs, rebuild } = options;
  await readMarker(layout.marker).catch(ignoreDamage);
  const acknowledged = (await readCommitFile(layout.commit).catch(ignoreDamage)) ?? 0;
  await takeUpInterrupted(layout);
  await mkdir(layout.repairing, { mode: 0o700 });

  const stage = await VersionStage.open(join(layout.repairing, 'versions'));
  const damage: Damage[] = [];
  for await (const part of salvage(layout.database)) {
    if (part.kind === 'versions') await stage.add(part.versions);
    else {
      damage.push(part.damage);
      log.warn('store_part_lost', { where: describeDamage(part.damage) });
    }
  }
  const newest = decodeCommit((await stage.get(commitKey)) ?? Buffer.alloc(0))?.commit ?? 0;
  const commit = Math.max(newest, acknowledged) + 1;
  const database = join(layout.repairing, 'db');
  const level = await createLevel(database);
  const counts = await fill(level, stage.level, commit, rebuild);
  await level.close();
  await stage.close();
  await syncLogs(database);
  await rename(database, layout.repaired);

  const keptAside = await putAside(layout, nowMs);
  await CommitFile.create(layout.commit, commit);
  await writeDurably(layout.marker, markerText(nowMs));
  await rename(layout.repaired, layout.database);
  await syncDirectory(layout.directory);
  await rm(layout.repairing, { recursive: true });
  return { keptAside, ...counts, damage, commitsLost: Math.max(0, acknowledged - newest) };
}

/** A repair that was cut short once the damaged store was aside goes on from its result. */
async function takeUpInterrupted(layout: Layout): Promise<void> {
  await rm(layout.repairing, { recursive: true, force: true });
  if (!(await exists(layout.repaired))) return;
  if (await exists(layout.database)) await rm(layout.repaired, { recursive: true });
  else await rename(layout.repaired, layout.database);
}

async function fill(
  into: Level,
  from: Level,
  commit: number,
  rebuild: ContentsRebuild | undefined,
): Promise<Pick<RepairReport, 'entriesRead' | 'entriesDropped' | 'entriesWritten'>> {
  const counts = { entriesRead: 0, entriesDropped: 0, entriesWritten: 0 };
  const put = async (entries: readonly Entry[]): Promise<void> => {
    const batch = into.batch();
    batch.put(commitKey, encodeCommit({ commit, isOrdered: false }));
    for (const [key, value] of entries) batch.put(key, value);
    counts.entriesWritten += entries.length;
    await batch.write();
  };
  for await (const page of pages(from)) {
    const kept: Entry[] = [];
    for (const [key, staged] of page) {
      const value = VersionStage.valueOf(staged);
      if (value === undefined) continue;
      counts.entriesRead++;
      const made = rebuild === undefined ? [[key, value] as const] : rebuild.take(key, value);
      if (made === undefined) counts.entriesDropped++;
      else kept.push(...made);
    }
    await put(kept);
  }
  await put(rebuild?.finish() ?? []);
  return counts;
}

/** Moves the damaged files out; beside the directory, or into it where that may not be. */
async function putAside(layout: Layout, nowMs: number): Promise<string> {
  const name = `damaged-${new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
  const places = [`${layout.directory}.${name}`, join(layout.directory, name)] as const;
  for (const place of places) {
    try {
      await mkdir(place, { mode: 0o700 });
      // From here until the repaired one takes its place, every start is refused.
      await rename(layout.database, join(place, basename(layout.database)));
    } catch (error) {
      await rm(place, { recursive: true, force: true });
      if (place === places[1]) throw error;
      continue;
    }
    for (const file of [layout.marker, layout.commit]) {
      if (await exists(file)) await copyFile(file, join(place, basename(file)));
    }
    await syncDirectory(place);
    await syncDirectory(layout.directory);
    return place;
  }
  throw new TypeError('there is no place to put the damaged store');
}

function ignoreDamage(error: unknown): undefined {
  if (!(error instanceof StoreRefusal) || error.kind !== 'damaged') throw error;
}
