import { mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { isMissing } from './faults.ts';

/** Makes what was created in, renamed into or removed from a directory survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  // Windows opens no directory as a file; its file systems journal names themselves.
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * A directory for its owner's eyes only; its name, and every one made above it, is on disk. Made step by
 * step, for Node's recursive mkdir never returns where a file system says ENOENT for ever, as /proc does.
 */
export async function makeDirectory(directory: string): Promise<void> {
  const isMade = await makeOne(directory).catch(async (error: unknown) => {
    if (!isMissing(error) || dirname(directory) === directory) throw error;
    await makeDirectory(dirname(directory));
    return makeOne(directory);
  });
  if (isMade) await syncDirectory(dirname(directory));
}

/** False when the directory is there already. */
async function makeOne(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((await stat(directory).catch(() => undefined))?.isDirectory() === true) return false;
    throw error;
  }
}

/** The file is there with all its bytes, or as it was before. */
export async function writeDurably(file: string, bytes: string | Buffer): Promise<void> {
  const draft = `${file}.new`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  await syncDirectory(dirname(file));
}

/** Brings to disk what has been written to a file by anyone. */
export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
