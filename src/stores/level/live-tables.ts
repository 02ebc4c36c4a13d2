import { stat } from 'node:fs/promises';

import { commitKey, decodeCommit } from './commit-record.ts';
import { isMissing } from './faults.ts';
import { tableFile } from './level-files.ts';
import type { Manifest } from './manifest.ts';
import { storeDamaged } from './refusal.ts';
import { readTable, type Version } from './table.ts';

export interface NamedTable {
  readonly file: string;
  readonly size: number;
}

export function liveTables(database: string, { tables }: Manifest): readonly NamedTable[] {
  return [...tables].map(([number, { size }]) => ({ file: tableFile(database, number), size }));
}

/** Refuses a table that is missing or cut; what is in it is told by its checksums, later. */
export async function requireTable({ file, size }: NamedTable): Promise<void> {
  const found = await stat(file).catch((error: unknown) => {
    throw isMissing(error) ? storeDamaged({ file, what: 'it is missing' }, error) : error;
  });
  if (found.size === size) return;
  throw storeDamaged({ file, what: `it has ${found.size} bytes, ${size} were written` });
}

/** The newest commit number in the tables; 0 when there is none, as in a store without a batch. */
export async function newestTabledCommit(database: string, { tables }: Manifest): Promise<number> {
  let newest = 0;
  for (const [number, { firstKey }] of tables) {
    // No key is smaller, so only a table that starts with it has it, and in its first block.
    if (!firstKey.equals(commitKey)) continue;
    for await (const part of readTable(tableFile(database, number))) {
      if (part.kind === 'damage') throw storeDamaged(part.damage);
      newest = Math.max(newest, newestCommitOf(part.versions));
      break;
    }
  }
  return newest;
}

function newestCommitOf(versions: readonly Version[]): number {
  const records = versions.map(({ key, value }) =>
    value !== undefined && key.equals(commitKey) ? decodeCommit(value)?.commit : undefined,
  );
  return Math.max(0, ...records.filter((commit) => commit !== undefined));
}
