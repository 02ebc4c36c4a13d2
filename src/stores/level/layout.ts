import { join, resolve } from 'node:path';

/**
 * What lies in a store's directory:
 *
 *   forsun-store.json  the marker: this is a store, of this format (marker.ts); never without the rest
 *   creating.json      a store whose creation was interrupted: nothing in it was ever acknowledged
 *   commit             the last commit known to be on disk, written in place (commit-file.ts)
 *   reserve            blocks to be freed when the disk is full (reserve.ts)
 *   probe              written and synced before a failed database is opened anew (probe.ts)
 *   pid                who holds the lock, for a message
 *   lock/              held by the server that has the store (directory-lock.ts)
 *   repairing/         a repair's work; repaired/: its whole result, about to become db/ (repair.ts)
 *   db/                LevelDB's own files
 */
export interface Layout {
  readonly directory: string;
  readonly marker: string;
  readonly creating: string;
  readonly commit: string;
  readonly reserve: string;
  readonly probe: string;
  readonly pid: string;
  readonly lock: string;
  readonly repairing: string;
  readonly repaired: string;
  readonly database: string;
}

export function layoutOf(path: string): Layout {
  const directory = resolve(path);
  return {
    directory,
    marker: join(directory, 'forsun-store.json'),
    creating: join(directory, 'creating.json'),
    commit: join(directory, 'commit'),
    reserve: join(directory, 'reserve'),
    probe: join(directory, 'probe'),
    pid: join(directory, 'pid'),
    lock: join(directory, 'lock'),
    repairing: join(directory, 'repairing'),
    repaired: join(directory, 'repaired'),
    database: join(directory, 'db'),
  };
}
