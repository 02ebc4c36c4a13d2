import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';

import { packageEntries } from './package-entry.ts';
import { requireTrusted } from './trusted-path.ts';

export interface Places {
  /** Directories of extensions, the first one first. */
  readonly paths: readonly string[];
  /** Where forsun itself is installed. */
  readonly installation: string;
}

const form = /^(@[A-Za-z0-9_-][A-Za-z0-9_.-]*\/)?[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

/**
 * The file of the extension of that name, a real path. Looked for, in this order, are NAME.mjs, NAME.js and
 * the directory NAME in an extension path and the package in its node_modules, path by path, and the package
 * beside forsun. Throws when there is none, when it leads out of the place where it was found, and when
 * others could change it.
 */
export async function locate(name: string, { paths, installation }: Places): Promise<string> {
  if (!form.test(name)) throw new Error('expected a name such as audit or @acme/audit');
  const own = paths.flatMap((root) => filesOf(root, name).map((at) => ({ root, at })));
  const installed = nodeModulesOf(installation).map((root) => ({ root, at: join(root, name) }));
  for (const { root, at } of [...own, ...installed]) {
    const found = await entryAt(at);
    if (found === undefined) continue;
    const [file, within] = await Promise.all([realpath(found), realpath(root)]);
    if (!file.startsWith(within + sep))
      throw new Error(`${found} leads to ${file}, out of ${root}`);
    await requireTrusted(file, within);
    return file;
  }
  const hint =
    paths.length === 0
      ? '; --extension-path names a directory of extensions'
      : ` or in ${paths.join(' or ')}`;
  throw new Error(`nothing is called so beside forsun${hint}`);
}

const filesOf = (path: string, name: string): readonly string[] => [
  join(path, `${name}.mjs`),
  join(path, `${name}.js`),
  join(path, name),
  join(path, 'node_modules', name),
];

/** Packages that forsun has with it, and those that it was installed with. */
const nodeModulesOf = (installation: string): readonly string[] => {
  const around = dirname(installation);
  const own = join(installation, 'node_modules');
  return basename(around) === 'node_modules' ? [own, around] : [own];
};

/** The file itself, or that of the package in the directory; undefined when there is neither. */
async function entryAt(path: string): Promise<string | undefined> {
  const kind = await kindOf(path);
  if (kind !== 'directory') return kind && path;
  const packageFile = join(path, 'package.json');
  const named = (await kindOf(packageFile)) === 'file' ? await packageEntries(path) : [];
  const entries = named.length > 0 ? named : [join(path, 'index.mjs'), join(path, 'index.js')];
  for (const entry of entries) if ((await kindOf(entry)) === 'file') return entry;
  const [first] = named;
  throw new Error(
    first === undefined
      ? `${path} has neither index.mjs nor index.js, nor a package.json that names another`
      : `${packageFile} names ${first}, which is not there`,
  );
}

async function kindOf(path: string): Promise<'file' | 'directory' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
