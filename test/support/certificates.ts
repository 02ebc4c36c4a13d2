import { chmod, copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';

import { aDirectory } from './database.ts';

const directory = new URL('./certificates/', import.meta.url).pathname;

/** One of test/support/certificates, as text: all but the stranger's are signed by ca.pem. */
export const pem = (name: string): string => readFileSync(join(directory, name), 'utf8');

/** A directory with all of them, keys as only their owner may read them; gone with its test. */
export async function someCertificates(): Promise<(name: string) => string> {
  const copies = await aDirectory();
  for (const name of await readdir(directory)) {
    await copyFile(join(directory, name), join(copies, name));
    await chmod(join(copies, name), name.endsWith('.key') ? 0o600 : 0o644);
  }
  return (name) => join(copies, name);
}
