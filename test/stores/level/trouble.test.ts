import { join } from 'node:path';

import { expect, test } from 'vitest';

import { Buckets } from '../../../src/metrics/buckets.ts';
import { aDatabase, aDirectory, key, putMany, value } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';

test('a database that writes is in no trouble; a write that does not end is', async () => {
  const clock = new FakeClock();
  const database = await aDatabase(join(await aDirectory(), 'store'), { clock });
  await putMany(database, 0, 10);
  expect(database.trouble).toBeUndefined();

  const written = database.write((batch) => batch.put(key(10), value(10)));
  // It begins in a later step of this turn, and cannot end before the next one.
  for (let step = 0; step < 10; step++) await Promise.resolve();
  const waited = [clock.advance(9), database.trouble, clock.advance(2), database.trouble];
  expect([waited[1], waited[3]]).toEqual([undefined, 'a write has been under way for 11 s']);
  await Promise.all([written, ...waited]);
  expect(database.trouble).toBeUndefined();
});

test('a closed database is in trouble', async () => {
  const database = await aDatabase(join(await aDirectory(), 'store'));
  await database.close();
  expect(database.trouble).toBe('the store is closed');
});

test('every write that reached the disk is timed', async () => {
  const commitTimes = new Buckets([1]);
  const database = await aDatabase(join(await aDirectory(), 'store'), { commitTimes });
  const before = commitTimes.observed().count;
  for (let n = 0; n < 5; n++) await putMany(database, n, n + 1);
  expect(commitTimes.observed().count - before).toBe(5);
});
