import { cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test, vi } from 'vitest';

import { silentLog } from '../../../src/core/log.ts';
import { checkStore, type ContentsCheck } from '../../../src/stores/level/check.ts';
import { repairStore } from '../../../src/stores/level/repair.ts';
import { readTable } from '../../../src/stores/level/table.ts';
import {
  aDatabase,
  aDirectory,
  countKept,
  key,
  levelFiles,
  putMany,
} from '../../support/database.ts';

// Many openings of real files: long on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const count = 3_000;
const size = 200;

test('a table is read as LevelDB wrote it, compressed or not', async () => {
  const directory = await aStore();
  const read = new Set<string>();
  for (const table of await levelFiles(join(directory, 'db'), '.ldb')) {
    for await (const part of readTable(table)) {
      expect(part.kind).toBe('versions');
      if (part.kind === 'versions')
        for (const version of part.versions) read.add(String(version.key));
    }
  }
  expect(read.size).toBeGreaterThanOrEqual(count / 2);
});

test('a sound store has no damage, and is read whole', async () => {
  const directory = await aStore();
  const report = await checkStore(directory);
  expect(report).toMatchObject({ damage: [], damageCount: 0, entriesRead: count - 1 });
  expect(report.tablesRead).toBeGreaterThan(0);
  expect(report.logsRead).toBeGreaterThan(0);
});

test('a bit flipped anywhere in a table is found, with its place', async () => {
  const directory = await aStore();
  const [table] = await levelFiles(join(directory, 'db'), '.ldb');
  const bytes = await readFile(table!);
  for (let at = 0; at < bytes.length - 48; at += 1 + Math.floor(bytes.length / 25)) {
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 16;
    await writeFile(table!, flipped);
    const { damage, damageCount, entriesRead } = await checkStore(directory);
    expect([damageCount, entriesRead], `byte ${at}`).toEqual([1, 0]);
    expect(damage[0]).toMatchObject({ file: table });
  }
});

test('every kind of damage is found in one check', async () => {
  const directory = await aStore();
  const [table] = await levelFiles(join(directory, 'db'), '.ldb');
  const log = (await levelFiles(join(directory, 'db'), '.log')).at(-1)!;
  await rm(join(directory, 'forsun-store.json'));
  await writeFile(join(directory, 'commit'), Buffer.alloc(1024, 1));
  await truncate(table!, 5_000);
  await flip(log, 30_000);
  const { damage } = await checkStore(directory);
  expect(damage.map(({ file }) => file)).toEqual([
    join(directory, 'forsun-store.json'),
    join(directory, 'commit'),
    table,
    log,
  ]);
});

test('what a crash left half written is no damage', async () => {
  const directory = await aStore();
  const log = (await levelFiles(join(directory, 'db'), '.log')).at(-1)!;
  const { length } = await readFile(log);
  await writeFile(log, Buffer.alloc(100, 7), { flag: 'a' });
  expect(await checkStore(directory)).toMatchObject({
    damageCount: 0,
    tail: { file: log, offset: length },
  });
});

test('every entry is put before who knows what it means', async () => {
  const directory = await aStore();
  const contents: ContentsCheck = {
    async judge(entries, get) {
      const again = await get(entries.map(([entryKey]) => entryKey));
      return entries.map(([entryKey, value], at) => {
        if (again[at]?.equals(value) !== true) return 'it is gone';
        return entryKey.equals(key(17)) ? 'it is odd' : undefined;
      });
    },
    finish: () => ['they are many'],
  };
  const { damage } = await checkStore(directory, contents);
  const file = join(directory, 'db');
  expect(damage).toEqual([
    { file, what: 'entry "k00000017": it is odd' },
    { file, what: 'they are many' },
  ]);
});

test('a store in use is not checked', async () => {
  const directory = await aDirectory();
  await aDatabase(directory);
  await expect(checkStore(directory)).rejects.toMatchObject({ kind: 'locked' });
  await expect(repair(directory)).rejects.toMatchObject({ kind: 'locked' });
});

test('where there is no store none is checked, repaired or made', async () => {
  const directory = await aDirectory();
  await expect(checkStore(directory)).rejects.toThrow('there is no store here');
  await expect(repair(directory)).rejects.toThrow('there is no store here');
  expect(await readdir(directory)).toEqual([]);
});

test('a repair of a sound store keeps every entry, removed ones stay removed', async () => {
  const directory = await aStore();
  expect(await repair(directory)).toMatchObject({
    entriesRead: count - 1,
    entriesDropped: 0,
    entriesWritten: count - 1,
    damage: [],
    commitsLost: 0,
  });
  const database = await aDatabase(directory);
  expect(await countKept(database, count, size)).toBe(count - 1);
  expect(await database.getMany([key(count - 1)])).toEqual([undefined]);
});

test.each([
  ['a log flipped', (db: string) => lastOf(db, '.log').then((file) => flip(file, 30_000))],
  ['a table flipped', (db: string) => lastOf(db, '.ldb').then((file) => flip(file, 9_000))],
  ['a table missing', (db: string) => lastOf(db, '.ldb').then((file) => rm(file))],
  ['a log missing', (db: string) => lastOf(db, '.log').then((file) => rm(file))],
  ['CURRENT missing', (db: string) => rm(join(db, 'CURRENT'))],
  ['the manifest cut', (db: string) => lastOf(db, 'MANIFEST').then((file) => truncate(file, 9))],
])('%s: repaired with what can be read, and the damaged store is kept whole', async (_, harm) => {
  const directory = await aStore();
  await harm(join(directory, 'db'));
  expect((await checkStore(directory)).damageCount).toBeGreaterThan(0);
  const damaged = await filesIn(join(directory, 'db'));

  const report = await repair(directory);
  expect(report.damage.length).toBeGreaterThan(0);
  expect(report.keptAside).toBe(`${directory}.damaged-20231114T221320Z`);
  expect(await filesIn(join(report.keptAside, 'db'))).toEqual(damaged);
  await rm(report.keptAside, { recursive: true });

  expect(await checkStore(directory)).toMatchObject({ damageCount: 0 });
  const database = await aDatabase(directory);
  expect(await countKept(database, count, size)).toBe(report.entriesWritten);
  await putMany(database, 0, 10);
});

test('whoever knows the entries decides what a repair keeps and makes', async () => {
  const directory = await aStore();
  let kept = 0;
  const report = await repair(directory, {
    take: (entryKey, value) =>
      entryKey.at(-1) === 0x37 ? undefined : (kept++, [[entryKey, value]]),
    finish: () => [[Buffer.from('count'), Buffer.from(String(kept))]],
  });
  expect(report).toMatchObject({ entriesDropped: count / 10, entriesWritten: kept + 1 });
  const database = await aDatabase(directory);
  expect(await database.getMany([key(7), Buffer.from('count')])).toEqual([
    undefined,
    Buffer.from(String(kept)),
  ]);
});

test('a repair cut short between the damaged and the sound store is taken up again', async () => {
  const directory = await aStore();
  await rename(join(directory, 'db'), join(directory, 'repaired'));
  await mkdir(join(directory, 'repairing'));
  await expect(aDatabase(directory)).rejects.toMatchObject({ kind: 'damaged' });
  expect(await repair(directory)).toMatchObject({ entriesWritten: count - 1 });
  expect(await countKept(await aDatabase(directory), count, size)).toBe(count - 1);
});

async function repair(
  directory: string,
  rebuild?: Parameters<typeof repairStore>[1]['rebuild'],
): ReturnType<typeof repairStore> {
  const options = { log: silentLog, nowMs: 1_700_000_000_000 };
  return repairStore(directory, rebuild === undefined ? options : { ...options, rebuild });
}

/** Half in tables, half in the log, the last entry removed. */
async function aStore(): Promise<string> {
  const directory = join(await aDirectory(), 'store');
  for (let half = 0; half < 2; half++) {
    const database = await aDatabase(directory);
    for (let n = (half * count) / 2; n < ((half + 1) * count) / 2; n += 100) {
      await putMany(database, n, n + 100, size);
    }
    if (half === 1) await database.write((batch) => batch.del(key(count - 1)));
    await database.close();
  }
  return directory;
}

const lastOf = async (directory: string, ending: string): Promise<string> =>
  (await levelFiles(directory, ending)).at(-1)!;

async function filesIn(directory: string): Promise<ReadonlyMap<string, string>> {
  const copy = join(await aDirectory(), 'copy');
  await cp(directory, copy, { recursive: true });
  const names = (await readdir(copy))
    .filter((name) => name !== 'LOCK' && !name.startsWith('LOG'))
    .sort();
  return new Map(
    await Promise.all(
      names.map(
        async (name) => [name, (await readFile(join(copy, name))).toString('base64')] as const,
      ),
    ),
  );
}

async function flip(file: string, at: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[at]! ^= 1;
  await writeFile(file, bytes);
}
