import { execFile } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { onTestFinished } from 'vitest';

import { aDirectory } from './database.ts';

const run = promisify(execFile);

export interface SmallDisk {
  readonly directory: string;
  /** Takes all blocks there are. */
  fill(): Promise<void>;
  /** Gives back what fill took. */
  empty(): Promise<void>;
}

/** A file system of that many MiB in memory, unmounted when the test is finished. */
export async function aSmallDisk(mebibytes: number): Promise<SmallDisk> {
  const directory = await aDirectory();
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'forsun-test', directory]).catch(
    (cause: unknown) => {
      const hint = 'run the tests as root, or set FORSUN_TEST_NO_MOUNT=1 to do without';
      throw new Error(`a small disk cannot be mounted: ${hint}`, { cause });
    },
  );
  onTestFinished(async () => {
    await run('umount', ['--lazy', directory]);
  });
  const filler = join(directory, 'filler');
  return {
    directory,
    async fill() {
      const handle = await open(filler, 'a');
      const chunk = Buffer.alloc(64 * 1024);
      try {
        for (;;) await handle.write(chunk);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('ENOSPC'))) throw error;
      } finally {
        await handle.close();
      }
    },
    empty: () => rm(filler),
  };
}
