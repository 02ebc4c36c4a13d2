import { randomBytes } from 'node:crypto';
import { open, rm, stat, statfs } from 'node:fs/promises';

import type { Log } from '../../core/log.ts';
import type { Cancel, Clock } from '../../core/time.ts';
import { isMissing, reasonOf } from './faults.ts';
import type { Layout } from './layout.ts';

export interface ReserveOptions {
  readonly layout: Layout;
  /** Wanted size; 0 for none. */
  readonly bytes: number;
  /** The disk was found full before: the reserve, if there was one, has been freed. */
  readonly isFull: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A file of real blocks, freed when the disk is full so that firing goes on, and laid again when there
 * is room: twice its size, so that laying it never fills the disk. A disk too small for it has none.
 *
 *   laid ──free──▶ isFull ──room again──▶ (laid again in the background)
 */
export class Reserve {
  readonly #options: ReserveOptions;
  #isFull: boolean;
  #isMissed = false;
  #isStopped = false;
  #work: Promise<void> | undefined;
  #cancel: Cancel = () => undefined;

  constructor(options: ReserveOptions) {
    this.#options = options;
    this.#isFull = options.isFull;
  }

  /** The disk was full and has no room yet for more than what must be written. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Lays the file in the background if it is not there, and keeps trying. */
  start(): void {
    this.#work ??= this.#look().finally(() => (this.#work = undefined));
  }

  /** Gives the blocks back to the file system; from now on it is full, until it has room again. */
  async free(): Promise<void> {
    const { layout, log } = this.#options;
    if (!this.#isFull) log.error('store_disk_full', { directory: layout.directory });
    this.#isFull = true;
    await this.#work;
    await rm(layout.reserve, { force: true });
    this.#later();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#work;
  }

  #later(): void {
    this.#cancel();
    if (this.#isStopped) return;
    const ms = this.#isFull ? lookWhenFullMs : lookForRoomMs;
    this.#cancel = this.#options.clock.after(ms, () => this.start());
  }

  async #look(): Promise<void> {
    const { layout, bytes, log } = this.#options;
    let isLaid = false;
    try {
      const disk = await statfs(layout.directory);
      const room = disk.bavail * disk.bsize;
      if (
        this.#isFull &&
        room >= Math.min(2 * bytes || roomWithout, (disk.blocks * disk.bsize) / 10)
      ) {
        this.#isFull = false;
        log.info('store_disk_has_room', { directory: layout.directory });
      }
      isLaid = (await sizeOf(layout.reserve)) >= bytes;
      if (!isLaid && !this.#isFull && room >= 2 * bytes) isLaid = await this.#lay();
      if (!isLaid) this.#miss(`${room} bytes of the disk are free, ${2 * bytes} are needed`);
    } catch (error) {
      this.#miss(reasonOf(error));
    }
    if (!isLaid || this.#isFull) this.#later();
  }

  /** True when the whole file has been laid. */
  async #lay(): Promise<boolean> {
    const { layout, bytes } = this.#options;
    const handle = await open(layout.reserve, 'w', 0o600);
    try {
      // Random, for file systems that compress or share blocks.
      const chunk = randomBytes(Math.min(bytes, 1 << 20));
      for (let at = 0; at < bytes; at += chunk.length) {
        if (this.#isFull || this.#isStopped) return false;
        await handle.write(chunk, 0, Math.min(chunk.length, bytes - at), at);
      }
      await handle.sync();
      this.#isMissed = false;
      return true;
    } catch (error) {
      await rm(layout.reserve, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
  }

  #miss(reason: string): void {
    if (this.#isMissed || this.#isStopped) return;
    this.#isMissed = true;
    this.#options.log.warn('store_reserve_not_laid', {
      file: this.#options.layout.reserve,
      reason,
    });
  }
}

const lookWhenFullMs = 1_000;
const lookForRoomMs = 30_000;
/** What counts as room where no reserve is wanted. */
const roomWithout = 16 * 1024 * 1024;

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    (error: unknown) => {
      if (isMissing(error)) return 0;
      throw error;
    },
  );
}
