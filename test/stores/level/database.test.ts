import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { StoreRefusal } from '../../../src/stores/level/refusal.ts';
import { aDatabase, aDirectory, countKept, key, putMany, value } from '../../support/database.ts';

test('what was written is there after the database was closed and opened', async () => {
  const directory = await aDirectory();
  const database = await aDatabase(directory);
  await putMany(database, 0, 500);
  await database.write((batch) => batch.del(key(7)));
  await database.close();

  const again = await aDatabase(directory);
  expect(await countKept(again, 500)).toBe(499);
  expect(await again.getMany([key(7), key(8)])).toEqual([undefined, value(8)]);
  const range = { gte: key(5), lt: key(9) };
  expect(await again.keys(range)).toEqual([key(5), key(6), key(8)]);
  expect((await again.entries({ ...range, reverse: true, limit: 1 }))[0]).toEqual([
    key(8),
    value(8),
  ]);
});

test('a batch whose filling throws writes nothing and stops nothing', async () => {
  const database = await aDatabase(await aDirectory());
  const bug = new TypeError('a bug');
  await expect(
    database.write((batch) => {
      batch.put(key(1), value(1));
      throw bug;
    }),
  ).rejects.toBe(bug);
  await putMany(database, 2, 3);
  expect(await countKept(database, 3)).toBe(1);
});

test('a closed database refuses changes and reads', async () => {
  const database = await aDatabase(await aDirectory());
  await database.close();
  await expect(putMany(database, 0, 1)).rejects.toMatchObject({ code: 'plan_not_stored' });
  await expect(countKept(database, 1)).rejects.toMatchObject({ code: 'plan_not_stored' });
});

test('a second opener is refused at once, by the name of the directory and of the process', async () => {
  const directory = await aDirectory();
  const database = await aDatabase(directory);
  await expect(aDatabase(directory)).rejects.toMatchObject({
    kind: 'locked',
    message: expect.stringContaining(`${directory}: process ${process.pid} has`) as string,
  });
  await putMany(database, 0, 1);
  await database.close();
  expect(await countKept(await aDatabase(directory), 1)).toBe(1);
});

test('nobody else can read what the store keeps', async () => {
  const directory = join(await aDirectory(), 'a', 'b');
  await aDatabase(directory);
  for (const made of [directory, join(directory, '..')]) {
    expect((await stat(made)).mode & 0o777).toBe(0o700);
  }
  expect((await stat(join(directory, 'commit'))).mode & 0o777).toBe(0o600);
});

test('a newer format is refused by its number', async () => {
  const directory = await aDirectory();
  await (await aDatabase(directory)).close();
  const marker = join(directory, 'forsun-store.json');
  await writeFile(
    marker,
    '{"what":"forsun store","format":2,"created":"2030-01-01T00:00:00.000Z"}',
  );
  await expect(aDatabase(directory)).rejects.toMatchObject({
    kind: 'foreign',
    message: expect.stringContaining('format 2') as string,
  });
});

test.each(['forsun-store.json', 'commit', 'db', 'db/CURRENT'])(
  'a store without its %s is refused, not begun anew',
  async (missing) => {
    const directory = await aDirectory();
    const database = await aDatabase(directory);
    await putMany(database, 0, 10);
    await database.close();
    await rm(join(directory, missing), { recursive: true });
    const refused = await aDatabase(directory).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StoreRefusal);
    expect(refused).toMatchObject({
      kind: 'damaged',
      message: expect.stringContaining(join(directory, missing)) as string,
    });
  },
);

test('a creation that was cut short is begun anew', async () => {
  const directory = await aDirectory();
  await writeFile(join(directory, 'creating.json'), '');
  const database = await aDatabase(directory);
  await putMany(database, 0, 1);
  expect(await countKept(database, 1)).toBe(1);
});

test("another program's LevelDB is refused", async () => {
  const directory = await aDirectory();
  await writeFile(join(directory, 'CURRENT'), 'MANIFEST-000001\n');
  await expect(aDatabase(directory)).rejects.toMatchObject({ kind: 'foreign' });
});
