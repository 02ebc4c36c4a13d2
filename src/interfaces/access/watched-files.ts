import { stat } from 'node:fs/promises';

import type { Cancel, Clock } from '../../core/time.ts';

/** How often files are looked at: each look takes a turn of the thread pool. */
const lookMs = 5_000;

/** What is done about files that have changed, or that others have been put in the place of. */
export interface Rereading {
  /** Reads all of them; rejects with an Error when they cannot be used, and leaves in force what was before. */
  read(): Promise<void>;
  onRead(): void;
  /** Told once of each problem, though reading is tried again until it succeeds. */
  onProblem(reason: string): void;
}

/** Reads files again when one of them has changed. */
export class WatchedFiles {
  readonly #paths: readonly string[];
  readonly #clock: Clock;
  readonly #rereading: Rereading;
  /** Of the files as they were read last. */
  #versions: string | undefined;
  #problem: string | undefined;
  #looking: Promise<void> | undefined;
  #cancel: Cancel | undefined;
  #isClosed = false;

  constructor(paths: readonly string[], clock: Clock, rereading: Rereading) {
    this.#paths = paths;
    this.#clock = clock;
    this.#rereading = rereading;
  }

  /** Reads them for the first time, and begins to watch. Rejects when they cannot be used. */
  async start(): Promise<void> {
    const versions = await this.#look();
    await this.#rereading.read();
    this.#versions = versions;
    this.#later();
  }

  /** Looks now; resolves when what has changed was read. A problem is told, though it was before. */
  async check(): Promise<void> {
    await this.#looking;
    this.#problem = undefined;
    await this.#lookOnce();
  }

  /** Nothing is read any more once it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#looking;
  }

  async #lookOnce(): Promise<void> {
    this.#looking ??= this.#compare().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  #later(): void {
    if (this.#isClosed) return;
    this.#cancel = this.#clock.after(lookMs, () => {
      void this.#lookOnce().finally(() => this.#later());
    });
  }

  async #compare(): Promise<void> {
    const versions = await this.#look();
    if (versions === this.#versions || this.#isClosed) return;
    try {
      await this.#rereading.read();
      this.#versions = versions;
      this.#problem = undefined;
      this.#rereading.onRead();
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#problem) this.#rereading.onProblem(message);
      this.#problem = message;
    }
  }

  async #look(): Promise<string> {
    return JSON.stringify(await Promise.all(this.#paths.map(versionOf)));
  }
}

async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeMs, ctimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
  } catch (error) {
    return String(error);
  }
}
