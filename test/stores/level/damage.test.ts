import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { CommitFile } from '../../../src/stores/level/commit-file.ts';
import { type DatabaseOptions, openDatabase } from '../../../src/stores/level/database.ts';
import { StoreRefusal } from '../../../src/stores/level/refusal.ts';
import {
  aDirectory,
  countKept,
  databaseDefaults,
  key,
  levelFiles,
  putMany,
  value,
} from '../../support/database.ts';

// Many openings of real files: long on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const batches = 120;
const perBatch = 4;
const entries = batches * perBatch;
const size = 300;

describe('harm: bare LevelDB', () => {
  const open = async (directory: string): Promise<ClassicLevel<Buffer, Buffer>> => {
    const level = new ClassicLevel<Buffer, Buffer>(directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    });
    await level.open();
    return level;
  };

  async function lostAfter(
    harm: (directory: string, log: string) => Promise<void>,
  ): Promise<number> {
    const directory = await aDirectory();
    const level = await open(directory);
    for (let n = 0; n < entries; n++) await level.put(key(n), value(n, size), { sync: true });
    await level.close();
    const [log] = await levelFiles(directory, '.log');
    await harm(directory, log!);
    const again = await open(directory);
    const kept = await countKept(again, entries, size);
    await again.close();
    return entries - kept;
  }

  test('opens a log with one bit flipped, and lacks what was in it', async () => {
    expect(await lostAfter((_, log) => flip(log, 10_000, 1))).toBeGreaterThan(0);
  });
  test('opens a log cut short, and lacks its end', async () => {
    expect(await lostAfter((_, log) => truncate(log, 10_000))).toBeGreaterThan(0);
  });
  test('opens without its log, and lacks all that was in it', async () => {
    expect(await lostAfter((_, log) => rm(log))).toBe(entries);
  });
  test('opens without CURRENT, empty', async () => {
    const lost = await lostAfter(async (directory) => {
      await (await open(directory)).close(); // moves the log into a table
      await rm(join(directory, 'CURRENT'));
    });
    expect(lost).toBe(entries);
  });
});

describe('a store of which all commits are known', () => {
  const store = suiteStore('always');

  test('is refused, or has all it acknowledged, whichever bit of its log is flipped', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat().map((n) => n % store.logSize),
        fc.nat(7),
        async (at, bit) => {
          const outcome = await openCopy(store, {}, (_, log) => flip(log, at, 1 << bit));
          expect(outcome).toSatisfy((found) => found === entries || isDamage(found));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('is refused when its log is cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat().map((n) => n % store.logSize),
        async (end) => {
          const outcome = await openCopy(store, {}, (_, log) => truncate(log, end));
          expect(outcome).toSatisfy(isDamage);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('is refused when a page of its log is zeros or anything else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat().map((n) => n % (store.logSize - 4096)),
        fc.nat(255),
        async (at, fill) => {
          const outcome = await openCopy(store, {}, (_, log) =>
            overwrite(log, at, Buffer.alloc(4096, fill)),
          );
          expect(outcome).toSatisfy(isDamage);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('is told where it is damaged, and what to do, and nothing is changed', async () => {
    const directory = await aDirectory();
    const log = await copy(store, directory);
    await flip(log, 12_345, 4);
    const before = await readFile(log);
    const refused = await openOnce(directory, {});
    expect(refused).toMatchObject({ kind: 'damaged' });
    expect((refused as StoreRefusal).message).toMatch(
      new RegExp(`${basename(log)}, byte 1[12]\\d\\d\\d: .*checksum.*forsund check --repair`),
    );
    expect(await readFile(log)).toEqual(before);
    await flip(log, 12_345, 4);
    expect(await openOnce(directory, {})).toBe(entries);
  });

  test('is opened with what a crash left half written behind its last commit', async () => {
    const half = (await readFile(store.log)).subarray(0, 1_000);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1_000 }), async (length) => {
        const outcome = await openCopy(store, {}, async (_, log) => {
          await overwrite(
            log,
            store.logSize,
            half.subarray(0, length % 700 < 7 ? 3 : length % 700),
          );
        });
        expect(outcome).toBe(entries);
      }),
      { numRuns: 30 },
    );
  });

  test('is opened with zeros behind its last commit, as a power cut may leave', async () => {
    const outcome = await openCopy(store, {}, (_, log) =>
      overwrite(log, store.logSize, Buffer.alloc(9_000)),
    );
    expect(outcome).toBe(entries);
  });
});

describe('a store of which the last known commit lags, as after a power cut', () => {
  const store = suiteStore('always');
  const lag = async (directory: string): Promise<void> =>
    CommitFile.create(join(directory, 'commit'));

  test('is refused when a bit is flipped in any batch but the last', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat().map((n) => n % store.logSize),
        fc.nat(7),
        async (at, bit) => {
          const outcome = await openCopy(store, {}, async (directory, log) => {
            await lag(directory);
            await flip(log, at, 1 << bit);
          });
          // The last one looks like what a crash cut short, and nothing says that it was acknowledged.
          const isPrefix = outcome === entries || outcome === entries - perBatch;
          expect(outcome).toSatisfy((found) => isPrefix || isDamage(found));
          if (outcome === entries - perBatch) expect(at).toBeGreaterThan(store.logSize - 2_000);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe.each(['everysec', 'never'] as const)('a store synced %s', (sync) => {
  const store = suiteStore(sync);

  test('keeps whole batches up to the first that did not reach the disk, none behind it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat().map((n) => n % store.logSize),
        async (at) => {
          const outcome = await openCopy(store, { sync }, async (directory, log) => {
            await CommitFile.create(join(directory, 'commit'));
            await overwrite(log, at, Buffer.alloc(Math.min(4096, store.logSize - at)));
          });
          expect(outcome).toSatisfy((found) => typeof found === 'number' && found % perBatch === 0);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is refused when it lacks what was synced', async () => {
    const outcome = await openCopy(store, { sync }, (_, log) => truncate(log, 20_000));
    expect(outcome).toSatisfy(isDamage);
  });
});

describe('a store that lacks a file', () => {
  test('is refused, whichever it is', async () => {
    const store = await fixture(await aDirectory(), 'always', 3);
    const files = ['CURRENT', 'MANIFEST', '.log', '.ldb'];
    for (const kind of files) {
      const found = await levelFiles(join(store.directory, 'db'), kind);
      expect(found.length, kind).toBeGreaterThan(0);
      for (const file of found) {
        const outcome = await openCopy(store, {}, (directory) =>
          rm(join(directory, 'db', basename(file))),
        );
        expect(outcome, kind).toSatisfy(isDamage);
        expect((outcome as StoreRefusal).message).toContain(basename(file));
      }
    }
  });

  test('is refused when a table or the manifest is cut short', async () => {
    const store = await fixture(await aDirectory(), 'always', 3);
    for (const kind of ['.ldb', 'MANIFEST']) {
      const [file] = await levelFiles(join(store.directory, 'db'), kind);
      const { length } = await readFile(file!);
      for (const end of [0, 10, length >> 1, length - 1]) {
        const outcome = await openCopy(store, {}, (directory) =>
          truncate(join(directory, 'db', basename(file!)), end),
        );
        expect(outcome, `${kind} cut to ${end}`).toSatisfy(
          (found) => isDamage(found) || found === entries,
        );
      }
    }
  });
});

/** A closed store with all entries in its log, for all tests of a suite. */
function suiteStore(sync: DatabaseOptions['sync']): Fixture {
  const store = { directory: '', log: '', logSize: 0 };
  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'forsun-damage-'));
    Object.assign(store, await fixture(directory, sync));
  });
  afterAll(() => rm(store.directory, { recursive: true }));
  return store;
}

interface Fixture {
  readonly directory: string;
  readonly log: string;
  readonly logSize: number;
}

/** A closed store with the entries in its log, or spread over tables by that many openings. */
async function fixture(
  directory: string,
  sync: DatabaseOptions['sync'],
  openings = 1,
): Promise<Fixture> {
  for (let opening = 0; opening < openings; opening++) {
    const database = await openDatabase({ ...databaseDefaults(directory), sync });
    for (let n = opening; n < batches; n += openings) {
      await putMany(database, n * perBatch, (n + 1) * perBatch, size);
    }
    await database.close();
  }
  const log = (await levelFiles(join(directory, 'db'), '.log')).at(-1)!;
  return { directory, log, logSize: (await readFile(log)).length };
}

/** How many entries a copy has after the harm, or why it was refused. */
async function openCopy(
  store: Fixture,
  options: Partial<DatabaseOptions>,
  harm: (directory: string, log: string) => Promise<void>,
): Promise<unknown> {
  const directory = join(store.directory, '..', `${basename(store.directory)}-copy`);
  try {
    const log = await copy(store, directory);
    await harm(directory, log);
    return await openOnce(directory, options);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function copy(store: Fixture, directory: string): Promise<string> {
  await cp(store.directory, directory, { recursive: true });
  return join(directory, 'db', basename(store.log));
}

async function openOnce(directory: string, options: Partial<DatabaseOptions>): Promise<unknown> {
  try {
    const database = await openDatabase({ ...databaseDefaults(directory), ...options });
    const kept = await countKept(database, entries, size);
    await database.close();
    return kept;
  } catch (error) {
    return error;
  }
}

const isDamage = (found: unknown): boolean =>
  found instanceof StoreRefusal && found.kind === 'damaged';

async function flip(file: string, at: number, mask: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[at]! ^= mask;
  await writeFile(file, bytes);
}

async function overwrite(file: string, at: number, by: Buffer): Promise<void> {
  const bytes = await readFile(file);
  await writeFile(file, Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + by.length)]));
}
