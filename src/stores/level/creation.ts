import { access, readdir, rename, rm } from 'node:fs/promises';

import { CommitFile } from './commit-file.ts';
import { syncDirectory, writeDurably } from './durable-file.ts';
import { isMissing } from './faults.ts';
import type { Layout } from './layout.ts';
import { markerText } from './marker.ts';
import { storeDamaged, StoreRefusal } from './refusal.ts';
import { createLevel } from './sound-level.ts';

/** Lays an empty store; the marker comes last, so a creation cut short is begun anew. */
export async function createStore(layout: Layout, nowMs: number): Promise<void> {
  await refuseRemains(layout);
  await writeDurably(layout.creating, markerText(nowMs));
  await rm(layout.database, { recursive: true, force: true });
  const empty = await createLevel(layout.database);
  await empty.close();
  await CommitFile.create(layout.commit);
  await syncDirectory(layout.database);
  await rename(layout.creating, layout.marker);
  await syncDirectory(layout.directory);
}

/** Refuses files that tell of a store which lost its marker, and a LevelDB of someone else. */
async function refuseRemains(layout: Layout): Promise<void> {
  if (await exists(layout.creating)) return;
  for (const file of [layout.commit, layout.database]) {
    if (await exists(file)) {
      throw storeDamaged({ file: layout.marker, what: `it is missing, though ${file} is there` });
    }
  }
  const foreign = (await readdir(layout.directory)).find((name) =>
    /^(CURRENT|MANIFEST-\d+)$/.test(name),
  );
  if (foreign !== undefined) {
    throw new StoreRefusal(
      'foreign',
      `${layout.directory}: ${foreign} tells of another program's LevelDB; name another directory`,
    );
  }
}

/** Refuses a directory that holds nothing of a store; a damaged one holds something. */
export async function requireStore({ directory, marker, commit, database }: Layout): Promise<void> {
  for (const file of [marker, commit, database]) if (await exists(file)) return;
  throw new StoreRefusal('foreign', `${directory}: there is no store here`);
}

export async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );
}
