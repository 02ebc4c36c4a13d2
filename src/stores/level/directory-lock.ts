import { readFile, rm, writeFile } from 'node:fs/promises';

import { ClassicLevel } from 'classic-level';

import { isLocked, reasonOf } from './faults.ts';
import type { Layout } from './layout.ts';
import { StoreRefusal } from './refusal.ts';

/**
 * Makes the directory ours until release or death. Node has no file locks, LevelDB has: so an empty
 * LevelDB of its own is held, and the store's files can be read, and the store closed and opened anew,
 * with nobody else in between. The kernel frees it however the process ends.
 */
export interface DirectoryLock {
  release(): Promise<void>;
}

/** Refuses by name, with the other's process id where known, when someone else has the directory. */
export async function lockDirectory(layout: Layout): Promise<DirectoryLock> {
  const held = await hold(layout.lock).catch(async (error: unknown) => {
    if (!isLocked(error)) throw error;
    throw new StoreRefusal('locked', await whoHolds(layout), { cause: error });
  });
  // Only a courtesy: without it the refusal of a second server names no process.
  await writeFile(layout.pid, `${process.pid}\n`, { mode: 0o600 }).catch(() => undefined);
  return {
    async release() {
      await rm(layout.pid, { force: true });
      await held.close();
    },
  };
}

async function hold(directory: string): Promise<ClassicLevel> {
  const open = async (): Promise<ClassicLevel> => {
    const lock = new ClassicLevel(directory);
    await lock.open();
    return lock;
  };
  return open().catch(async (error: unknown) => {
    // It holds nothing, so what a crash left unreadable is swept away, by whoever gets the lock.
    if (!/corrupt|CURRENT|MANIFEST/i.test(reasonOf(error)) || isLocked(error)) throw error;
    await ClassicLevel.destroy(directory);
    return open();
  });
}

async function whoHolds({ directory, pid }: Layout): Promise<string> {
  const text = await readFile(pid, 'utf8').catch(() => '');
  const holder = /^\d+\n$/.test(text) ? `process ${text.trim()}` : 'another process';
  return `${directory}: ${holder} has this store open; stop it first, or name another directory`;
}
