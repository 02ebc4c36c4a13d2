import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The directory that this package is in. */
export const installation = (): string => fileURLToPath(new URL('../..', import.meta.url));

/** Our own version, as package.json says it. */
export function forsunVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
