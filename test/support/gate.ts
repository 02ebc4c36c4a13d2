import { execFileSync } from 'node:child_process';
import { open } from 'node:fs/promises';

import { onTestFinished } from 'vitest';

/** A place where commands wait until they are let through. */
export interface Gate {
  /** The command that waits. */
  readonly pass: string;
  /** Lets so many through, also those that come later. */
  let(count: number): Promise<void>;
}

/** A gate at that path, which is not there yet. */
export async function aGate(path: string): Promise<Gate> {
  execFileSync('mkfifo', [path]);
  const pipe = await open(path, 'r+'); // both ends, so that nobody waits for the other one
  onTestFinished(() => pipe.close());
  return {
    pass: `read line < ${path}`,
    async let(count) {
      await pipe.write('\n'.repeat(count));
    },
  };
}
