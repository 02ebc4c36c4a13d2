import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { aDirectory } from './database.ts';

/** A directory of extensions with these files; gone with its test. */
export async function anExtensionPath(files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(await aDirectory(), 'extensions');
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
    chmodSync(join(path, name), 0o644);
  }
  return path;
}

/** The source of an extension with these members beside its name. */
export const extensionSource = (name: string, members = 'register() {}'): string =>
  `export default { name: ${JSON.stringify(name)}, ${members} };`;

/** The source of an action that is done at once, but for these members. */
export const actionSource = (name: string, members = ''): string => `{
  name: ${JSON.stringify(name)},
  maxRunsPerOrigin: 1,
  timeoutSeconds: 5,
  retriesDeadline: false,
  prepare: () => ({ run: async () => ({ kind: 'done' }) }),
  ${members}
}`;
