import { appendFileSync, chmodSync, readFileSync, writeFileSync } from 'node:fs';

/** Lines kept of earlier sessions. */
export const HISTORY_LINES = 1_000;

/**
 * The lines typed at the prompt, in a file that only its owner reads. Left out are lines that begin with a
 * blank and those that seem to hold a secret. A file that cannot be read or written is no obstacle.
 */
export class History {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Newest last, at most HISTORY_LINES: what is older is dropped from the file as well. */
  load(): readonly string[] {
    try {
      const lines = readFileSync(this.#file, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
      const kept = lines.slice(-HISTORY_LINES);
      chmodSync(this.#file, 0o600);
      if (kept.length < lines.length) writeFileSync(this.#file, `${kept.join('\n')}\n`);
      return kept;
    } catch {
      return [];
    }
  }

  /** Appended at once, so sessions side by side lose nothing of each other's. */
  add(line: string): void {
    if (line.trim() === '' || line.startsWith(' ') || seemsSecret(line)) return;
    try {
      appendFileSync(this.#file, `${line}\n`, { mode: 0o600 });
    } catch {
      // A read-only home is no reason to stop anybody's work.
    }
  }
}

/** Names of params that carry secrets, headers among them, and credentials within an address. */
const seemsSecret = (line: string): boolean =>
  /(passw|secret|token|auth|cookie|api[-_]?key)[\w-]*['"\\]*\s*=/i.test(line) ||
  /:\/\/[^\s/@'"]*:[^\s/@'"]*@/.test(line) ||
  /\bAUTH\b/.test(line);
