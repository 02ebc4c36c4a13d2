import { open, rm } from 'node:fs/promises';

/** Rejects unless a file of that many bytes can be written and brought to disk now. */
export async function probeDisk(file: string, bytes = 64 * 1024): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(Buffer.alloc(bytes, 0x5a));
    await handle.sync();
  } finally {
    await handle.close();
    await rm(file, { force: true });
  }
}
