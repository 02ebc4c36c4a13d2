import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { aDatabase, aDirectory, countKept, putMany } from '../../support/database.ts';

/** {"plans": [], "time_plans": {}, "current_time": 0} as forsun's msgpack packs it. */
const dump = Buffer.from(
  '83a5706c616e7390aa74696d655f706c616e7380ac63757272656e745f74696d6500',
  'hex',
);

test.each([
  ['plans first', dump],
  ['current_time first', Buffer.from('83ac63757272656e745f74696d6500a5706c616e7390', 'hex')],
  [
    'time_plans first, strings of a newer packer',
    Buffer.from('83d90a74696d655f706c616e7380', 'hex'),
  ],
])("the original's dump at the store's path is refused by name (%s)", async (_, bytes) => {
  const path = join(await aDirectory(), 'store');
  await writeFile(path, bytes);
  await expect(aDatabase(path)).rejects.toMatchObject({
    kind: 'dump',
    message: expect.stringMatching(
      new RegExp(`^${path}: .*dump.*--driver-mem-store-file.*forsun import`),
    ) as string,
  });
});

test('any other file at the path of the store is refused as such', async () => {
  const path = join(await aDirectory(), 'store');
  for (const text of ['', 'plans', 'some notes']) {
    await writeFile(path, text);
    await expect(aDatabase(path)).rejects.toMatchObject({
      kind: 'foreign',
      message: expect.stringContaining(`${path}: this is a file`) as string,
    });
  }
});

test("the original's dump at its usual place is refused while the store is new, and only then", async () => {
  const home = await aDirectory();
  const forsunDump = join(home, '.forsun.dump');
  const directory = join(home, 'store');
  const old = await aDatabase(join(home, 'old'), { forsunDump });
  await putMany(old, 0, 1);
  await old.close();
  await writeFile(forsunDump, dump);

  await expect(aDatabase(directory, { forsunDump })).rejects.toMatchObject({
    kind: 'dump',
    message: expect.stringContaining(forsunDump) as string,
  });
  expect(await countKept(await aDatabase(join(home, 'old'), { forsunDump }), 1)).toBe(1);
  await expect(aDatabase(directory)).resolves.toBeDefined();
});

test('what is no dump at its usual place is no hindrance', async () => {
  const home = await aDirectory();
  const forsunDump = join(home, '.forsun.dump');
  await mkdir(forsunDump);
  await expect(aDatabase(join(home, 'a'), { forsunDump })).resolves.toBeDefined();
  expect(await readdir(home)).toContain('a');
});
