import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

import type { Clock } from '../core/time.ts';

/** When a log file is full. */
export type Rotation =
  | { readonly kind: 'never' }
  | { readonly kind: 'day' }
  | { readonly kind: 'size'; readonly bytes: number };

/** The wall clock names files, monotonic time paces retries: a clock set back must not silence the log. */
export type LogClock = Pick<Clock, 'nowMs' | 'monotonicMs'>;

export interface LogFileOptions {
  readonly file: string;
  readonly rotate: Rotation;
  /** Full files kept beside the current one; 0 keeps all. */
  readonly backupCount: number;
  readonly clock: LogClock;
}

const retryMs = 1000;
const rotateAgainMs = 60_000;

/**
 * Appends to a file that is always called `file`; a full one is renamed to `file.<day>` or
 * `file.<time>`. Writing is synchronous, so nothing is lost at exit and nothing piles up. What cannot be
 * written, as on a full disk, is dropped and counted, and the next line that can says how many were.
 * (winston's file transport falls silent for good after one failed write, winston-daily-rotate-file
 * kills the process.)
 */
export class LogFile {
  readonly #options: LogFileOptions;
  #fd: number | undefined;
  #size = 0;
  #day = '';
  /** Never a device or a pipe: /dev/null must keep its name. */
  #canRotate = false;
  #rotateAt = -Infinity;
  #dropped = 0;
  #isTorn = false;
  #retryAt = -Infinity;

  /** Throws when the file cannot be opened: at start, that is for a person to see. */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#open();
  }

  /** Writes whole lines; never throws. */
  write(lines: readonly string[]): void {
    if (this.#options.clock.monotonicMs() < this.#retryAt) {
      this.#dropped += lines.length;
      return;
    }
    try {
      this.#rotate(lines);
      this.#append(lines);
    } catch {
      this.#dropped += lines.length;
      this.#retryAt = this.#options.clock.monotonicMs() + retryMs;
    }
  }

  /** Lets go of the file and opens its name anew, after somebody else has moved it. */
  reopen(): void {
    this.close();
    this.#retryAt = -Infinity;
    try {
      this.#open();
    } catch {
      // The next write tries again.
    }
  }

  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open(): number {
    const { file, clock } = this.#options;
    this.#fd = openSync(file, 'a', 0o600);
    const stat = fstatSync(this.#fd);
    const { size, mtimeMs } = stat;
    this.#canRotate = stat.isFile();
    this.#size = size;
    this.#day = dayOf(size > 0 ? mtimeMs : clock.nowMs());
    return this.#fd;
  }

  #append(lines: readonly string[]): void {
    const fd = this.#fd ?? this.#open();
    const lost = this.#dropped === 0 ? '' : `# ${this.#dropped} lines could not be written here\n`;
    let rest = Buffer.from(`${this.#isTorn ? '\n' : ''}${lost}${lines.join('\n')}\n`);
    while (rest.length > 0) {
      const written = writeSync(fd, rest);
      this.#size += written;
      this.#isTorn = written < rest.length;
      rest = rest.subarray(written);
    }
    this.#dropped = 0;
  }

  /** Sets the file aside when these lines are not for it any more; where that fails, it goes on growing. */
  #rotate(lines: readonly string[]): void {
    const { file, clock } = this.#options;
    if (!this.#canRotate || clock.monotonicMs() < this.#rotateAt) return;
    const suffix = this.#endOfFile(lines, clock.nowMs());
    if (suffix === undefined) return;
    try {
      this.#setAside(`${file}.${suffix}`);
    } catch {
      this.#rotateAt = clock.monotonicMs() + rotateAgainMs;
    }
  }

  /** What the file is to be called when it is full; undefined when it is not. */
  #endOfFile(lines: readonly string[], now: number): string | undefined {
    const { rotate } = this.#options;
    if (rotate.kind === 'day') return dayOf(now) === this.#day ? undefined : this.#day;
    if (rotate.kind === 'never' || this.#size === 0) return undefined;
    const coming = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    const isFull = this.#size + coming > rotate.bytes;
    return isFull ? new Date(now).toISOString().replaceAll(':', '') : undefined;
  }

  #setAside(name: string): void {
    const { file } = this.#options;
    this.close();
    let free = name;
    for (let n = 1; existsSync(free); n++) free = `${name}.${String(n).padStart(4, '0')}`;
    renameSync(file, free);
    this.#open();
    this.#prune();
  }

  #prune(): void {
    const { file, backupCount } = this.#options;
    if (backupCount === 0) return;
    const prefix = `${basename(file)}.`;
    const old = readdirSync(dirname(file))
      .filter((name) => name.startsWith(prefix))
      .filter((name) => /^\d{4}-\d\d-\d\d(T[\d.]+Z)?(\.\d+)?$/.test(name.slice(prefix.length)))
      .sort();
    for (const name of old.slice(0, Math.max(0, old.length - backupCount))) {
      rmSync(join(dirname(file), name), { force: true });
    }
  }
}

const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);
