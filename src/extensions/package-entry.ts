import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What we import under: the conditions of Node for `import`. */
const conditions = new Set(['node', 'import', 'module-sync', 'default']);

/** The file that `import` of the package in that directory loads, as its package.json says. */
export async function packageEntry(directory: string): Promise<string> {
  const text = await readFile(join(directory, 'package.json'), 'utf8');
  const { exports, main } = JSON.parse(text) as { exports?: unknown; main?: unknown };
  const entry = exports === undefined ? main : targetOf(rootOf(exports));
  if (typeof entry === 'string' && entry !== '') return join(directory, entry);
  if (exports !== undefined) throw new Error(`${directory}/package.json exports nothing at "."`);
  return join(directory, 'index.js');
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
