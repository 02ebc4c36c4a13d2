import { readFile, stat } from 'node:fs/promises';

import type { Clock } from '../core/time.ts';

/** How often a file is looked at, at most: each look takes a turn of the thread pool. */
const LOOK_MS = 5_000;

/** What a file says, read again when it has changed; a missing or unreadable one reads as empty. */
export class RereadFile<T> {
  readonly #path: string;
  readonly #parse: (text: string) => T;
  readonly #clock: Clock;
  #value: T;
  #version = '';
  #lookedMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(path: string, parse: (text: string) => T, clock: Clock) {
    this.#path = path;
    this.#parse = parse;
    this.#clock = clock;
    this.#value = parse('');
  }

  async value(): Promise<T> {
    if (this.#clock.monotonicMs() - this.#lookedMs >= LOOK_MS) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
    }
    return this.#value;
  }

  async #look(): Promise<void> {
    try {
      const { mtimeMs, size, ino } = await stat(this.#path);
      const version = `${mtimeMs} ${size} ${ino}`;
      if (version !== this.#version) {
        this.#value = this.#parse(await readFile(this.#path, 'utf8'));
        this.#version = version;
      }
    } catch {
      this.#value = this.#parse('');
      this.#version = '';
    }
    this.#lookedMs = this.#clock.monotonicMs();
  }
}
