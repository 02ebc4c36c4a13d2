import { expect, test } from 'vitest';

import { addSeconds, type UnixSeconds } from '../../../src/core/time.ts';
import type { Database } from '../../../src/stores/level/database.ts';
import {
  agendaEntryOf,
  agendaKey,
  endMarks,
  rangeOf,
  secondKey,
  timeOfAgendaKey,
} from '../../../src/stores/level/keys.ts';
import { openLevelStore } from '../../../src/stores/level/open-level-store.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { levelOptions, withDatabase } from './level-store-places.ts';

const room = (now: UnixSeconds) => ({ firings: 100, late: 100, lateBefore: addSeconds(now, -60) });

test('a scan walks a million deleted entries behind its end, unless a live mark stands there', async () => {
  await withDatabase(await levelOptions({ sync: 'never' }), async (db) => {
    const chunk = 10_000;
    const entry = (n: number): Buffer =>
      agendaKey('agenda', { due: addSeconds(T0, 100 + n), key: `order:${n}` });
    const inChunks = async (each: (from: number) => Parameters<Database['write']>[0]) => {
      for (let from = 0; from < 1_000_000; from += chunk) await db.write(each(from));
    };
    await inChunks((from) => (batch) => {
      for (let n = from; n < from + chunk; n++) batch.put(entry(n), Buffer.from([1]));
    });
    await inChunks((from) => (batch) => {
      for (let n = from; n < from + chunk; n++) batch.del(entry(n));
    });
    const range = { gte: secondKey('agenda', T0), lt: secondKey('agenda', addSeconds(T0, 60)) };
    const scanCost = async (): Promise<number> => {
      const before = process.cpuUsage();
      expect(await db.keys(range)).toEqual([]);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const withoutMark = await scanCost();
    await db.write((batch) => batch.put(range.lt, Buffer.alloc(0)));
    // The cheapest of some: LevelDB may compact meanwhile, on a thread of the same process.
    const withMark: number[] = [];
    for (let tries = 0; tries < 10; tries++) withMark.push(await scanCost());
    // Measured: 150 to 200 ms against 0.35 ms.
    expect(withoutMark / Math.min(...withMark)).toBeGreaterThan(5);
  });
}, 120_000);

test('loading ahead leaves one live mark an agenda, at its end, through time and reopening', async () => {
  const options = await levelOptions();
  const { clock } = options;
  const marks = () =>
    withDatabase(options, async (db) => {
      const found = await Promise.all(
        (['agenda', 'waiting'] as const).map(async (agenda) => {
          const { start, end } = rangeOf(agenda);
          const keys = await db.keys({ gte: start, lt: end });
          const found = keys.filter((key) => agendaEntryOf(key) === undefined);
          return found.map((key) => ({ agenda, second: timeOfAgendaKey(key) }));
        }),
      );
      return found.flat();
    });
  for (const minutes of [0, 1, 30]) {
    const store = await openLevelStore(options);
    await store.put(aDraft({ key: 'far' }), addSeconds(clock.now(), 10_000));
    for (let tick = 0; tick < 200; tick += 25) {
      await clock.advance(25);
      await store.claim(clock.now(), room(clock.now()));
    }
    await clock.advance(minutes * 60);
    await store.claim(clock.now(), room(clock.now()));
    await store.close();
    const found = await marks();
    expect(found.map(({ agenda }) => agenda)).toEqual(['agenda', 'waiting']);
    for (const { second } of found) {
      // The horizon is a minute, and loaded anew when half of it has passed.
      expect(second - clock.now()).toBeGreaterThan(30);
      expect(second - clock.now()).toBeLessThanOrEqual(61);
    }
  }
});

test('behind each kind of entry that comes and goes stands a live one from the start', async () => {
  const options = await levelOptions();
  await (await openLevelStore(options)).close();
  await withDatabase(options, async (db) => {
    expect(endMarks).toHaveLength(5);
    for (const value of await db.getMany(endMarks)) expect(value).toBeDefined();
  });
});
