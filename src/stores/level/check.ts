import { readCommitFile } from './commit-file.ts';
import { commitKey } from './commit-record.ts';
import { lockDirectory } from './directory-lock.ts';
import { refuseFile } from './dump.ts';
import { readJournal, liveLogs } from './journal.ts';
import { type Layout, layoutOf } from './layout.ts';
import { liveTables, newestTabledCommit, requireTable } from './live-tables.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { readMarker } from './marker.ts';
import { type Damage, storeDamaged, StoreRefusal } from './refusal.ts';
import { damageOf, type Level, openSoundLevel } from './sound-level.ts';
import { readTable } from './table.ts';
import { requireStore } from './creation.ts';
import { silentLog } from '../../core/log.ts';

export type Entry = readonly [key: Buffer, value: Buffer];

/** Judges what the level store keeps; the database only knows that it was written so. */
export interface ContentsCheck {
  /**
   * What is wrong with each of the entries, by itself or against others that `get` finds; in their
   * order, undefined for a sound one.
   */
  judge(
    entries: readonly Entry[],
    get: (keys: readonly Buffer[]) => Promise<readonly (Buffer | undefined)[]>,
  ): Promise<readonly (string | undefined)[]>;
  /** Asked once, behind the last entry: what is wrong with all of them together. */
  finish(): readonly string[];
}

export interface CheckReport {
  /** The first thousand places, in the order they were found. */
  readonly damage: readonly Damage[];
  readonly damageCount: number;
  /** Not damage: what a crash left half written behind the last acknowledged commit. */
  readonly tail: Damage | undefined;
  readonly tablesRead: number;
  readonly logsRead: number;
  /** Entries judged; 0 when files are damaged, for then they are not opened. */
  readonly entriesRead: number;
}

/**
 * Reads every byte of a store that no server has open and compares all that can be compared: marker,
 * commit file, manifest, logs, tables, then, in files found sound, every entry. Changes nothing but
 * what every start does.
 */
export async function checkStore(
  directory: string,
  contents?: ContentsCheck,
): Promise<CheckReport> {
  await refuseFile(directory);
  const layout = layoutOf(directory);
  await requireStore(layout);
  const lock = await lockDirectory(layout);
  try {
    return await new Check(layout).run(contents);
  } finally {
    await lock.release();
  }
}

class Check {
  readonly #layout: Layout;
  readonly #damage: Damage[] = [];
  #damageCount = 0;
  #tail: Damage | undefined;
  #tablesRead = 0;
  #logsRead = 0;
  #entriesRead = 0;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  async run(contents: ContentsCheck | undefined): Promise<CheckReport> {
    const { marker: file, commit, database } = this.#layout;
    await this.#try(async () => {
      if ((await readMarker(file)) === undefined)
        throw storeDamaged({ file, what: 'it is missing' });
    });
    const acknowledged = await this.#try(() => readCommitFile(commit));
    const manifest = await this.#try(() => readManifest(database));
    if (manifest !== undefined) {
      await this.#tables(manifest);
      await this.#try(() => this.#logs(manifest, acknowledged ?? 0));
    }
    if (this.#damageCount === 0) await this.#try(() => this.#entries(contents, acknowledged ?? 0));
    return {
      damage: this.#damage,
      damageCount: this.#damageCount,
      tail: this.#tail,
      tablesRead: this.#tablesRead,
      logsRead: this.#logsRead,
      entriesRead: this.#entriesRead,
    };
  }

  async #tables(manifest: Manifest): Promise<void> {
    for (const table of liveTables(this.#layout.database, manifest)) {
      await this.#try(async () => {
        await requireTable(table);
        for await (const part of readTable(table.file)) {
          if (part.kind === 'damage') this.#found(part.damage);
        }
        this.#tablesRead++;
      });
    }
  }

  async #logs(manifest: Manifest, acknowledged: number): Promise<void> {
    const { database } = this.#layout;
    const logs = await liveLogs(database, manifest);
    const journal = await readJournal(logs, manifest);
    this.#logsRead = logs.length;
    const commit = journal.commit ?? (await newestTabledCommit(database, manifest));
    const damage = damageOf(journal.fault, commit, acknowledged, this.#layout);
    if (damage !== undefined) this.#found(damage);
    else this.#tail = journal.fault;
  }

  async #entries(contents: ContentsCheck | undefined, acknowledged: number): Promise<void> {
    const { level } = await openSoundLevel(this.#layout, acknowledged, silentLog);
    try {
      for await (const entries of pages(level)) {
        this.#entriesRead += entries.length;
        const get = (keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> =>
          level.getMany([...keys], { fillCache: false });
        const verdicts = (await contents?.judge(entries, get)) ?? [];
        for (const [at, what] of verdicts.entries()) {
          const file = this.#layout.database;
          if (what !== undefined) this.#found({ file, what: `${nameOf(entries[at])}: ${what}` });
        }
      }
      for (const what of contents?.finish() ?? []) {
        this.#found({ file: this.#layout.database, what });
      }
    } finally {
      await level.close();
    }
  }

  /** A refusal for damage is a finding; any other ends the check. */
  async #try<T>(step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof StoreRefusal) || error.damage === undefined) throw error;
      this.#found(error.damage);
      return undefined;
    }
  }

  #found(damage: Damage): void {
    this.#damageCount++;
    if (this.#damage.length < longestList) this.#damage.push(damage);
  }
}

const longestList = 1_000;
const pageSize = 1_000;

/** All entries but the database's own, in key order, without driving others from the cache. */
export async function* pages(level: Level): AsyncGenerator<readonly Entry[]> {
  const iterator = level.iterator({ gt: commitKey, fillCache: false });
  try {
    for (;;) {
      const page = await iterator.nextv(pageSize);
      if (page.length === 0) return;
      yield page;
    }
  } finally {
    await iterator.close();
  }
}

const nameOf = (entry: Entry | undefined): string =>
  `entry ${JSON.stringify(entry?.[0].toString('latin1') ?? '')}`;
