import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Throws, with the reason and the remedy, when someone else could change what lies at the path: the file,
 * or a directory between it and `root`, both of them real paths, belongs to another user, or others may
 * write there.
 */
export async function requireTrusted(file: string, root: string): Promise<void> {
  const uid = process.getuid?.();
  if (uid === undefined) return; // no such owners and modes on this system
  for (let path = file; ; path = dirname(path)) {
    const { uid: owner, mode } = await stat(path);
    if (owner !== 0 && owner !== uid) {
      throw new Error(`${path} belongs to user ${owner}, neither to root nor to us (${uid})`);
    }
    if ((mode & 0o022) !== 0) {
      throw new Error(`others than its owner may write to ${path}; chmod go-w would end that`);
    }
    if (path === root || path === dirname(path)) return;
  }
}
