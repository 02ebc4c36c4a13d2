import { type ForsunError, planNotStored } from '../../core/errors.ts';
import type { Cancel } from '../../core/time.ts';
import type { CommitFile } from './commit-file.ts';
import { commitKey, encodeCommit } from './commit-record.ts';
import type { Database, DatabaseOptions, Range, WriteBatch } from './database.ts';
import type { DirectoryLock } from './directory-lock.ts';
import { isDiskFailure, isDiskFull, reasonOf } from './faults.ts';
import type { Layout } from './layout.ts';
import { syncLogs } from './log-sync.ts';
import { probeDisk } from './probe.ts';
import { StoreRefusal } from './refusal.ts';
import { Reserve } from './reserve.ts';
import { type Level, openSoundLevel } from './sound-level.ts';

/** What openDatabase has opened, locked and found sound. */
export interface Opened {
  readonly options: DatabaseOptions;
  readonly layout: Layout;
  readonly lock: DirectoryLock;
  readonly commitFile: CommitFile;
  readonly level: Level;
  readonly commit: number;
  /** The reserve had to be freed to open it. */
  readonly wasFull: boolean;
}

/**
 *           write fails             probe, close, open anew with all checks, onReopened
 *   sound ──────────────▶ failed ─────────────────────────────────────────────────────▶ sound
 *     │                     │ ▲ └ not yet: again after a while, up to 2 s
 *     │ close()             │ └─┘
 *     ▼                     ▼ the disk broke, or what was acknowledged is not there
 *   closed                dead: onFatal, nothing is written any more
 */
export class SoundDatabase implements Database {
  readonly #options: DatabaseOptions;
  readonly #layout: Layout;
  readonly #lock: DirectoryLock;
  readonly #commitFile: CommitFile;
  readonly #reserve: Reserve;
  /** Absent while it is being opened anew: then nothing can be read either. */
  #level: Level | undefined;
  #commit: number;
  /** Why nothing may be written; absent while sound. */
  #refusal: string | undefined;
  #writing: Promise<unknown> = Promise.resolve();
  /** When the write under way began. */
  #writingSinceMs: number | undefined;
  #recovery: Promise<void> | undefined;
  #isClosing = false;
  #stopWaiting: () => void = () => undefined;
  #cancelSync: Cancel = () => undefined;
  #syncing: Promise<void> | undefined;

  constructor({ options, layout, lock, commitFile, level, commit, wasFull }: Opened) {
    this.#options = options;
    this.#layout = layout;
    this.#lock = lock;
    this.#commitFile = commitFile;
    this.#level = level;
    this.#commit = commit;
    const { clock, log, reserveBytes: bytes = defaultReserveBytes } = options;
    this.#reserve = new Reserve({ layout, bytes, isFull: wasFull, clock, log });
    this.#reserve.start();
    if (options.sync === 'everysec') this.#syncLater();
  }

  get isFull(): boolean {
    return this.#reserve.isFull;
  }

  get trouble(): string | undefined {
    if (this.#refusal !== undefined || this.#writingSinceMs === undefined) return this.#refusal;
    const seconds = Math.floor(this.#secondsSince(this.#writingSinceMs));
    return seconds < stuckSeconds ? undefined : `a write has been under way for ${seconds} s`;
  }

  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]> {
    return this.#read((level) => level.getMany([...keys]));
  }

  entries(range: Range): Promise<readonly (readonly [Buffer, Buffer])[]> {
    return this.#read((level) => level.iterator(range).all());
  }

  keys(range: Range): Promise<readonly Buffer[]> {
    return this.#read((level) => level.keys(range).all());
  }

  write(fill: (batch: WriteBatch) => void): Promise<void> {
    if (this.#isClosing) return Promise.reject(planNotStored('the store is closed'));
    // In a row, so that commit numbers lie in the log in their order.
    const written = this.#writing.then(() => this.#write(fill));
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#stopWaiting();
    this.#cancelSync();
    await this.#writing;
    await this.#recovery;
    await this.#syncing;
    await this.#reserve.stop();
    const isSound = this.#refusal === undefined;
    this.#refusal = 'the store is closed';
    try {
      await this.#level?.close();
      if (isSound) await this.#sync(this.#commit);
    } finally {
      this.#level = undefined;
      await this.#commitFile.close();
      await this.#lock.release();
    }
  }

  async #read<T>(read: (level: Level) => Promise<T>): Promise<T> {
    const level = this.#level;
    if (level === undefined) throw this.#refused();
    return read(level).catch((error: unknown) => {
      throw planNotStored(`the store could not be read: ${reasonOf(error)}`, error);
    });
  }

  async #write(fill: (batch: WriteBatch) => void): Promise<void> {
    const level = this.#level;
    if (this.#refusal !== undefined || level === undefined) throw this.#refused();
    const isOrdered = this.#options.sync === 'always';
    const commit = this.#commit + 1;
    const batch = level.batch();
    batch.put(commitKey, encodeCommit({ commit, isOrdered }));
    try {
      fill({
        put: (key, value) => void batch.put(key, value),
        del: (key) => void batch.del(key),
      });
    } catch (bug) {
      await batch.close();
      throw bug;
    }
    const startMs = (this.#writingSinceMs = this.#options.clock.monotonicMs());
    try {
      await batch.write({ sync: isOrdered });
    } catch (error) {
      this.#fail(error);
      throw planNotStored(`the store could not be written: ${reasonOf(error)}`, error);
    } finally {
      this.#writingSinceMs = undefined;
    }
    this.#options.commitTimes?.observe(this.#secondsSince(startMs));
    this.#commit = commit;
    if (isOrdered) this.#commitFile.note(commit);
  }

  #secondsSince(ms: number): number {
    return (this.#options.clock.monotonicMs() - ms) / 1000;
  }

  #refused(): ForsunError {
    return planNotStored(this.#refusal ?? 'the store is being opened anew');
  }

  /** From here on this handle writes nothing: LevelDB would acknowledge what it loses at its next open. */
  #fail(error: unknown): void {
    if (this.#refusal !== undefined) return;
    const reason = reasonOf(error);
    this.#options.log.error('store_write_failed', { reason });
    this.#refusal = `the store refuses changes until it has been opened anew, since a write failed: ${reason}`;
    if (isDiskFailure(error)) this.#die(error);
    else this.#recovery = this.#recover(isDiskFull(error));
  }

  /** The process is to end: after a failed fsync the system may have forgotten what it did not write. */
  #die(error: unknown): void {
    const reason = reasonOf(error);
    this.#refusal = `the store is out of order until the server is started anew: ${reason}`;
    this.#options.log.error('store_dead', { reason });
    this.#options.onFatal(error instanceof Error ? error : new Error(reason));
  }

  async #recover(wasFull: boolean): Promise<void> {
    let needsRoom = wasFull;
    for (let waitMs = firstWaitMs; !this.#isClosing; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
      try {
        if (needsRoom) await this.#reserve.free();
        await this.#reopen();
        return;
      } catch (error) {
        const isDamaged = error instanceof StoreRefusal && error.kind === 'damaged';
        if (isDamaged || isDiskFailure(error)) {
          this.#die(error);
          return;
        }
        this.#options.log.warn('store_not_reopened', { reason: reasonOf(error), waitMs });
        needsRoom = isDiskFull(error);
      }
      await this.#wait(waitMs);
    }
  }

  async #reopen(): Promise<void> {
    const { log, onReopened } = this.#options;
    // Until the disk takes writes again, the old handle stays for reading: it holds what was acknowledged.
    await probeDisk(this.#layout.probe);
    const old = this.#level;
    this.#level = undefined;
    await old?.close();
    const { level, commit } = await openSoundLevel(this.#layout, this.#commitFile.commit, log);
    this.#level = level;
    this.#commit = commit;
    await onReopened?.();
    this.#refusal = undefined;
    log.info('store_reopened', { commit });
  }

  #wait(ms: number): Promise<void> {
    if (this.#isClosing) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      this.#stopWaiting = () => {
        cancel();
        resolve();
      };
    });
  }

  #syncLater(): void {
    this.#cancelSync = this.#options.clock.after(syncEveryMs, () => {
      this.#syncing = this.#syncNow().finally(() => {
        if (!this.#isClosing) this.#syncLater();
      });
    });
  }

  async #syncNow(): Promise<void> {
    if (this.#refusal !== undefined || this.#commit === this.#commitFile.commit) return;
    await this.#sync(this.#commit).catch((error: unknown) => this.#fail(error));
  }

  /** Brings all commits up to that one to disk, then their number: it never leads. */
  async #sync(commit: number): Promise<void> {
    await syncLogs(this.#layout.database);
    this.#commitFile.note(commit);
    await this.#commitFile.sync();
  }
}

const defaultReserveBytes = 64 * 1024 * 1024;
const firstWaitMs = 100;
const longestWaitMs = 2_000;
const syncEveryMs = 1_000;
/** A write that takes longer may never end. */
const stuckSeconds = 10;
