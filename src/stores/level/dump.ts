import { open, stat } from 'node:fs/promises';

import { isMissing } from './faults.ts';
import { StoreRefusal } from './refusal.ts';

/** Refuses a path at which a file lies: a dump of the original is named as such. */
export async function refuseFile(path: string): Promise<void> {
  const kind = await stat(path).catch(absent);
  if (kind === undefined || kind.isDirectory()) return;
  if (await isForsunDump(path))
    throw dumpFound(path, 'name another place with --driver-mem-store-file');
  throw new StoreRefusal(
    'foreign',
    `${path}: this is a file, the store needs a directory; name another place with --driver-mem-store-file`,
  );
}

/** Refuses while the original's dump waits at its usual place: its plans would seem to be lost. */
export async function refuseForsunDump(path: string): Promise<void> {
  const kind = await stat(path).catch(absent);
  if (kind?.isFile() !== true || !(await isForsunDump(path))) return;
  throw dumpFound(path, 'move it away');
}

/**
 * A msgpack map of which the first key is one of the three that the original writes, in any order, as
 * a raw string or, by newer packers, a str.
 */
async function isForsunDump(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(32), 0, 32, 0);
    const head = buffer.subarray(0, bytesRead).toString('latin1');
    return /^(?:[\x80-\x8f]|\xde..|\xdf....)(?:\xd9.|.)?(?:plans|time_plans|current_time)/s.test(
      head,
    );
  } finally {
    await handle.close();
  }
}

const dumpFound = (path: string, first: string): StoreRefusal =>
  new StoreRefusal(
    'dump',
    `${path}: this is a dump of the original forsun, and its plans are not in this store: ` +
      `${first}, and when the server runs, \`forsun import --from-forsun-dump\` brings them over`,
  );

function absent(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
