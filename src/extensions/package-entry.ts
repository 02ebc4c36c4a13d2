import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What we import under: the conditions of Node for `import`. */
const conditions = new Set(['node', 'import', 'module-sync', 'default']);

/**
 * Where the file may be that `import` of the package in that directory loads, best first; none when its
 * package.json does not say. Throws when there is none that could be read.
 */
export async function packageEntries(directory: string): Promise<readonly string[]> {
  const { exports, main } = await packageJson(join(directory, 'package.json'));
  if (exports !== undefined) {
    const entry = targetOf(rootOf(exports));
    if (typeof entry === 'string') return [join(directory, entry)];
    throw new Error(`${directory}/package.json exports nothing at "."`);
  }
  if (typeof main !== 'string' || main === '') return [];
  return [main, `${main}.js`, join(main, 'index.js')].map((entry) => join(directory, entry));
}

async function packageJson(file: string): Promise<{ exports?: unknown; main?: unknown }> {
  const text = await readFile(file, 'utf8');
  try {
    const json: unknown = JSON.parse(text);
    return isMap(json) ? json : {};
  } catch (error) {
    throw new Error(`${file} is no JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** `exports` is a map of subpaths when its keys begin with a dot, else the root's target itself. */
function rootOf(exports: unknown): unknown {
  return isMap(exports) && '.' in exports ? exports['.'] : exports;
}

function targetOf(target: unknown): unknown {
  if (!isMap(target)) return target;
  for (const [condition, inner] of Object.entries(target)) {
    const found = conditions.has(condition) ? targetOf(inner) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
