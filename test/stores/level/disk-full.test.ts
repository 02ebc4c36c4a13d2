import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { ClassicLevel } from 'classic-level';
import { describe, expect, test, vi } from 'vitest';

import type { Database } from '../../../src/stores/level/database.ts';
import { aDatabase, countKept, key, putMany, value } from '../../support/database.ts';
import { eventuallyPasses } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { mayNotMount } from '../../support/may-not-mount.ts';
import { aSmallDisk } from '../../support/small-disk.ts';

const reserveBytes = 1024 * 1024;

describe.skipIf(mayNotMount)('a full disk', () => {
  test('harm: bare LevelDB acknowledges synced writes after a failed one, and loses them', async () => {
    const disk = await aSmallDisk(4);
    const directory = join(disk.directory, 'bare');
    const level = new ClassicLevel<Buffer, Buffer>(directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    });
    await level.open();
    await disk.fill();
    await expect(fillUp((n) => level.put(key(n), value(n, 30_000), { sync: true }))).resolves.toBe(
      'failed',
    );
    await disk.empty();
    for (let n = 10_000; n < 10_100; n++) await level.put(key(n), value(n, 3_000), { sync: true });
    await level.close();

    await level.open();
    const found = await level.getMany(Array.from({ length: 100 }, (_, n) => key(10_000 + n)));
    await level.close();
    const lost = found.filter((entry) => entry === undefined).length;
    expect(lost).toBeGreaterThan(0);
  });

  test('loses nothing that was acknowledged, before, while or after it is full', async () => {
    const disk = await aSmallDisk(8);
    const clock = new FakeClock();
    const directory = join(disk.directory, 'store');
    const database = await aDatabase(directory, { clock });
    await putMany(database, 70_000, 70_010);
    const kept = new Set([70_000, 70_009]);
    await disk.fill();
    await fillUp(async (n) => {
      await database.write((batch) => batch.put(key(n), value(n)));
      kept.add(n);
    });
    await expect(putMany(database, 50_000, 50_001)).rejects.toMatchObject({
      code: 'plan_not_stored',
      message: expect.stringContaining('No space left on device') as string,
    });
    expect(await database.getMany([key(70_001)])).toEqual([value(70_001)]);
    await disk.empty();
    await untilWritable(clock, database);
    for (let n = 90_000; n < 90_100; n++) {
      await database.write((batch) => batch.put(key(n), value(n)));
      kept.add(n);
    }
    await database.close();

    const again = await aDatabase(directory);
    const found = await again.getMany([...kept].map(key));
    expect(found.filter((entry) => entry === undefined)).toEqual([]);
  });

  test('is written to again within 5 s after there is room', async () => {
    const disk = await aSmallDisk(8);
    const clock = new FakeClock();
    const database = await aDatabase(join(disk.directory, 'store'), { clock });
    await disk.fill();
    await fillUp((n) => database.write((batch) => batch.put(key(n), value(n))));
    for (let minute = 0; minute < 60; minute++) await clock.advance(1);
    await disk.empty();
    expect(await untilWritable(clock, database)).toBeLessThanOrEqual(5);
  });

  test('frees the reserve, so that changes go on at once, and says that it is full', async () => {
    const disk = await aSmallDisk(12);
    const clock = new FakeClock();
    const directory = join(disk.directory, 'store');
    const onReopened = vi.fn(() => Promise.resolve());
    const database = await aDatabase(directory, { clock, reserveBytes, onReopened });
    const reserve = join(directory, 'reserve');
    await eventuallyPasses(async () => expect((await stat(reserve)).size).toBe(reserveBytes));
    await disk.fill();
    await fillUp((n) => database.write((batch) => batch.put(key(n), value(n))));
    await eventuallyPasses(() => putMany(database, 50_000, 50_100));
    expect([clock.monotonicMs(), database.isFull, onReopened.mock.calls.length]).toEqual([
      0,
      true,
      1,
    ]);
    await expect(stat(reserve)).rejects.toMatchObject({ code: 'ENOENT' });

    await disk.empty();
    await clock.advance(1);
    await eventuallyPasses(async () => expect((await stat(reserve)).size).toBe(reserveBytes));
    expect(database.isFull).toBe(false);
  });

  test('is opened from its reserve when there is no other room, and says that it is full', async () => {
    const disk = await aSmallDisk(12);
    const directory = join(disk.directory, 'store');
    const database = await aDatabase(directory, { reserveBytes });
    await putMany(database, 0, 100);
    await eventuallyPasses(async () => {
      expect((await stat(join(directory, 'reserve'))).size).toBe(reserveBytes);
    });
    await database.close();
    await disk.fill();
    const again = await aDatabase(directory, { reserveBytes });
    expect([again.isFull, await countKept(again, 100)]).toEqual([true, 100]);
    await putMany(again, 100, 200);
  });

  test('is told at start in one line when there is not even room to open', async () => {
    const disk = await aSmallDisk(4);
    const directory = join(disk.directory, 'store');
    const database = await aDatabase(directory);
    await putMany(database, 0, 10);
    await database.close();
    await disk.fill();
    await expect(aDatabase(directory)).rejects.toMatchObject({
      kind: 'unusable',
      message: expect.stringMatching(/store: .*No space left on device/) as string,
    });
    await disk.empty();
    expect(await countKept(await aDatabase(directory), 10)).toBe(10);
  });
});

/** Puts 0, 1, … until one fails. */
async function fillUp(put: (n: number) => Promise<void>): Promise<'failed' | 'room'> {
  for (let n = 0; n < 40_000; n++) {
    try {
      await put(n);
    } catch {
      return 'failed';
    }
  }
  return 'room';
}

/** Lets seconds pass until a write is taken; how many it took. */
async function untilWritable(clock: FakeClock, database: Database): Promise<number> {
  for (let seconds = 0; seconds < 60; seconds++) {
    // Opening anew is real work on a real file system: the clock stands until it has failed, and waits.
    const isWritten = await eventuallyPasses(async () => {
      const isTaken = await putMany(database, 80_000, 80_001).then(
        () => true,
        () => false,
      );
      expect(isTaken || clock.pendingTimers > 0).toBe(true);
      return isTaken;
    });
    if (isWritten) return seconds;
    await clock.advance(1);
  }
  return Infinity;
}
