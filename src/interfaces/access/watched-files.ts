import { stat } from 'node:fs/promises';

import type { Cancel, Clock } from '../../core/time.ts';

/** How often files are looked at: each look takes a turn of the thread pool. */
const lookMs = 5_000;

/** Calls back when one of some files has changed, or has been put in the place of another. */
export class WatchedFiles {
  readonly #paths: readonly string[];
  readonly #clock: Clock;
  readonly #onChange: () => Promise<void>;
  #versions: string | undefined;
  #looking: Promise<void> | undefined;
  #cancel: Cancel | undefined;
  #isClosed = false;

  constructor(paths: readonly string[], clock: Clock, onChange: () => Promise<void>) {
    this.#paths = paths;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Begins to watch, from the files as they are now. */
  async start(): Promise<void> {
    this.#versions = await this.#look();
    this.#later();
  }

  /** Looks now; resolves when what has changed was told. */
  async check(): Promise<void> {
    this.#looking ??= this.#compare().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  /** Nothing is told any more once it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#looking;
  }

  #later(): void {
    if (this.#isClosed) return;
    this.#cancel = this.#clock.after(lookMs, () => {
      void this.check().finally(() => this.#later());
    });
  }

  async #compare(): Promise<void> {
    const versions = await this.#look();
    if (versions === this.#versions || this.#isClosed) return;
    this.#versions = versions;
    await this.#onChange();
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
