import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { aDirectory } from './database.ts';

/** Sets the wall clock of a process, by Debian's libfaketime; its monotonic clock goes on unharmed. */
export class FakeTime {
  /** To start the process with. */
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;
  readonly #settings: { readonly fromMs: number; readonly offsetSeconds: number }[] = [];

  private constructor(file: string) {
    this.#file = file;
    this.env = {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    this.set(0);
  }

  static async begin(): Promise<FakeTime> {
    return new FakeTime(join(await aDirectory(), 'offset'));
  }

  /** The process's clock is that far from ours, from now on. */
  set(offsetSeconds: number): void {
    writeFileSync(`${this.#file}.new`, `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}\n`);
    renameSync(`${this.#file}.new`, this.#file);
    this.#settings.push({ fromMs: Date.now(), offsetSeconds });
  }

  /** The process's clock now. */
  nowMs(): number {
    return Date.now() + this.#settings.at(-1)!.offsetSeconds * 1000;
  }

  /** The latest its clock may have been when what reached us then was sent, at most a second before. */
  latestMs(atMs: number): number {
    const inForce = this.#settings.filter(
      ({ fromMs }, index) =>
        fromMs <= atMs && (this.#settings[index + 1]?.fromMs ?? Infinity) > atMs - 1_000,
    );
    return atMs + Math.max(...inForce.map(({ offsetSeconds }) => offsetSeconds)) * 1000;
  }
}

function library(): string {
  const found = readdirSync('/usr/lib')
    .map((directory) => join('/usr/lib', directory, 'faketime', 'libfaketimeMT.so.1'))
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error('libfaketime is needed: apt-get install faketime');
  return found;
}
