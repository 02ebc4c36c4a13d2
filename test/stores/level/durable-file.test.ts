import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { makeDirectory } from '../../../src/stores/level/durable-file.ts';
import { aDirectory } from '../../support/database.ts';

test('a directory and those above it are made for their owner alone, and made again at will', async () => {
  const path = await aDirectory();
  const directory = join(path, 'a', 'b', 'c');
  await makeDirectory(directory);
  await makeDirectory(directory);
  for (const made of [directory, join(path, 'a')]) {
    expect((await stat(made)).mode & 0o777).toBe(0o700);
  }
});

test('where nothing can be made, that is said at once', async () => {
  await expect(makeDirectory('/proc/forsun/store')).rejects.toMatchObject({ code: 'ENOENT' });
});
