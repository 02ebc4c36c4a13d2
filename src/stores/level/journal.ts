import { readFile, truncate } from 'node:fs/promises';

import { decodeBatch, findBatch, type LoggedBatch } from './commit-record.ts';
import { syncFile } from './durable-file.ts';
import { logFile, logNumbers } from './level-files.ts';
import { type LogFault, logRecords, recordHeaderSize, startsRecordAt } from './log-format.ts';
import type { Manifest } from './manifest.ts';
import { type Damage, storeDamaged } from './refusal.ts';

/** What LevelDB's live logs hold, read before LevelDB drops in silence what it cannot read. */
export interface Journal {
  /** The newest commit before any fault; absent when the logs hold no batch. */
  readonly commit?: number;
  readonly fault?: JournalFault;
}

/** Where the logs stop to be as written; what lies behind it is not to be used. */
export interface JournalFault extends Damage {
  readonly offset: number;
  /** Ends of the sound part: of the log with the fault, and of the logs behind it (0). */
  readonly soundEnds: ReadonlyMap<string, number>;
  /** No crash leaves it so: a batch behind it was written when all before were on disk, or is not ours. */
  readonly isDamage: boolean;
  /** Whole batches lie behind the fault, as a power cut may leave them when not each was synced. */
  readonly isBeforeWhole: boolean;
}

/** Logs that LevelDB has not moved into tables yet, oldest first; refuses when one is missing. */
export async function liveLogs(database: string, manifest: Manifest): Promise<readonly string[]> {
  const numbers = await logNumbers(database);
  const live = numbers.filter((number) => number >= manifest.logNumber);
  // 0 stands in the very first manifest, before there is any log.
  if (manifest.logNumber > 0 && live[0] !== manifest.logNumber) {
    throw storeDamaged({ file: logFile(database, manifest.logNumber), what: 'it is missing' });
  }
  return live.map((number) => logFile(database, number));
}

/** Checks every fragment of the logs, and that no batch is missing between two others. */
export async function readJournal(logs: readonly string[], manifest: Manifest): Promise<Journal> {
  let newest: LoggedBatch | undefined;
  for (const [index, file] of logs.entries()) {
    const bytes = await readFile(file);
    const part = soundPart(bytes, newest, manifest);
    newest = part.newest;
    if (part.fault === undefined) continue;
    const later = logs.slice(index + 1);
    const behind = [...batchesBehind(bytes, part.fault), ...(await firstBatches(later))];
    const { offset, what } = part.fault;
    return journalOf(newest, {
      ...{ file, offset, what },
      soundEnds: new Map([[file, part.end], ...later.map((log) => [log, 0] as const)]),
      isDamage: what === foreignBatch || behind.some(({ isOrdered }) => isOrdered),
      isBeforeWhole: behind.length > 0,
    });
  }
  return journalOf(newest);
}

const journalOf = (newest: LoggedBatch | undefined, fault?: JournalFault): Journal => ({
  ...(newest === undefined ? {} : { commit: newest.commit }),
  ...(fault === undefined ? {} : { fault }),
});

/** Ends the logs where they are sound; LevelDB would skip the fault and go on behind it. */
export async function cutJournal({ soundEnds }: JournalFault): Promise<void> {
  for (const [file, end] of soundEnds) {
    await truncate(file, end);
    await syncFile(file);
  }
}

/** Where the next batch starts soundly, from there on; -1 when none does. */
export function nextBatch(log: Buffer, from: number): number {
  let at = findBatch(log, from);
  while (at >= 0 && !startsRecordAt(log, at)) at = findBatch(log, at + 1);
  return at;
}

interface SoundPart {
  readonly newest: LoggedBatch | undefined;
  /** Where it ends. */
  readonly end: number;
  readonly fault?: LogFault;
}

/** The batches of a log that follow each other and, in the first log, what is in the tables. */
function soundPart(log: Buffer, before: LoggedBatch | undefined, manifest: Manifest): SoundPart {
  const records = logRecords(log);
  let newest = before;
  let end = 0;
  for (;;) {
    const record = records.next();
    if (record.done === true) {
      return record.value === undefined ? { newest, end } : { newest, end, fault: record.value };
    }
    const batch = decodeBatch(record.value.payload);
    const what = misfit(batch, newest, manifest);
    if (what !== undefined) {
      return { newest, end, fault: { offset: record.value.start, what, isCut: false } };
    }
    newest = batch;
    end = record.value.end;
  }
}

const foreignBatch = 'it holds a batch that forsun did not write';

function misfit(
  batch: LoggedBatch | undefined,
  before: LoggedBatch | undefined,
  manifest: Manifest,
): string | undefined {
  if (batch === undefined) return foreignBatch;
  if (before === undefined) {
    const isNext = batch.sequence <= manifest.lastSequence + 1;
    return isNext ? undefined : 'batches before it are missing';
  }
  const isNext = batch.sequence === before.sequence + before.count;
  return isNext ? undefined : `batches behind commit ${before.commit} are missing`;
}

/** The batch that starts soundly behind the fault in the same log, if there is one. */
function batchesBehind(log: Buffer, fault: LogFault): readonly LoggedBatch[] {
  const next = nextBatch(log, fault.offset);
  const batch = next < 0 ? undefined : decodeBatch(log.subarray(next + recordHeaderSize));
  return batch === undefined ? [] : [batch];
}

async function firstBatches(logs: readonly string[]): Promise<readonly LoggedBatch[]> {
  const batches: LoggedBatch[] = [];
  for (const log of logs) {
    const first = logRecords(await readFile(log)).next();
    const batch = first.done === true ? undefined : decodeBatch(first.value.payload);
    if (batch !== undefined) batches.push(batch);
  }
  return batches;
}
