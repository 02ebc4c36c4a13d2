import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test, vi } from 'vitest';

import { readCommitFile } from '../../../src/stores/level/commit-file.ts';
import type { Database } from '../../../src/stores/level/database.ts';
import { aDatabase, aDirectory, countKept, levelFiles, putMany } from '../../support/database.ts';
import { eventuallyPasses } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { mayNotMount } from '../../support/may-not-mount.ts';
import { aSmallDisk, type SmallDisk } from '../../support/small-disk.ts';

describe.skipIf(mayNotMount)('after a failed write', () => {
  test('no write is let through before memory was built anew, and that is tried until it works', async () => {
    const disk = await aSmallDisk(8);
    const clock = new FakeClock();
    const seen: number[] = [];
    const database: Database = await aDatabase(join(disk.directory, 'store'), {
      clock,
      onReopened: async () => {
        seen.push(await countKept(database, 10));
        await expect(putMany(database, 0, 1)).rejects.toMatchObject({ code: 'plan_not_stored' });
        if (seen.length === 1) throw new Error('not today');
      },
    });
    await putMany(database, 0, 10);
    await breakOnce(disk, database);
    await eventuallyPasses(async () => {
      await clock.advance(1);
      await putMany(database, 20, 30);
    });
    expect(seen).toEqual([10, 10]);
  });

  test('a store found to lack what it acknowledged is fatal, and takes no more writes', async () => {
    const disk = await aSmallDisk(8);
    const clock = new FakeClock();
    const onFatal = vi.fn();
    const directory = join(disk.directory, 'store');
    const database = await aDatabase(directory, { clock, onFatal });
    await putMany(database, 0, 10);
    const [log] = await levelFiles(join(directory, 'db'), '.log');
    await rm(log!);
    await breakOnce(disk, database);
    await eventuallyPasses(async () => {
      await clock.advance(1);
      expect(onFatal).toHaveBeenCalledOnce();
    });
    expect(onFatal.mock.calls[0]?.[0]).toMatchObject({ kind: 'damaged' });
    await expect(putMany(database, 10, 20)).rejects.toThrow('out of order until the server');
  });

  test('a database can be closed while it waits for room', async () => {
    const disk = await aSmallDisk(8);
    const database = await aDatabase(join(disk.directory, 'store'));
    await disk.fill();
    await expect(fillUp(database)).rejects.toMatchObject({ code: 'plan_not_stored' });
    await database.close();
    await disk.empty();
    await expect(aDatabase(join(disk.directory, 'store'))).resolves.toBeDefined();
  });
});

describe('the number of the last commit on disk', () => {
  test('is known at once when each batch is synced', async () => {
    const directory = await aDirectory();
    const database = await aDatabase(directory);
    for (let n = 0; n < 5; n++) await putMany(database, n, n + 1);
    await eventuallyPasses(async () =>
      expect(await readCommitFile(join(directory, 'commit'))).toBe(5),
    );
  });

  test('follows each second when batches are synced every second, and never leads', async () => {
    const directory = await aDirectory();
    const clock = new FakeClock();
    const database = await aDatabase(directory, { clock, sync: 'everysec' });
    const commit = join(directory, 'commit');
    for (let n = 0; n < 5; n++) await putMany(database, n, n + 1);
    expect(await readCommitFile(commit)).toBe(0);
    await clock.advance(1);
    await eventuallyPasses(async () => expect(await readCommitFile(commit)).toBe(5));
    await putMany(database, 5, 6);
    expect(await readCommitFile(commit)).toBe(5);
    await eventuallyPasses(async () => {
      await clock.advance(1);
      expect(await readCommitFile(commit)).toBe(6);
    });
  });

  test.each(['always', 'everysec', 'never'] as const)(
    'is the last one after the store was closed, synced %s',
    async (sync) => {
      const directory = await aDirectory();
      const database = await aDatabase(directory, { sync });
      for (let n = 0; n < 7; n++) await putMany(database, n, n + 1);
      await database.close();
      expect(await readCommitFile(join(directory, 'commit'))).toBe(7);
    },
  );
});

/** Lets one write fail for want of room, then gives the room back. */
async function breakOnce(disk: SmallDisk, database: Database): Promise<void> {
  await disk.fill();
  await expect(fillUp(database)).rejects.toMatchObject({ code: 'plan_not_stored' });
  await disk.empty();
}

async function fillUp(database: Database): Promise<void> {
  for (let n = 100; n < 10_000; n += 10) await putMany(database, n, n + 10);
}
