import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';

import { unixSeconds } from '../../src/core/time.ts';
import { canonicalZone, zoneOf } from '../../src/core/zone.ts';
import { readings } from './clock-oracle.ts';
import { effort, patience } from './effort.ts';

test('a name has one canonical form, whatever its case or alias', () => {
  expect(canonicalZone('europe/BERLIN')).toBe('Europe/Berlin');
  expect(canonicalZone('Asia/Chongqing')).toBe(canonicalZone('Asia/Shanghai'));
  for (const utc of ['UTC', 'utc', 'Etc/UTC', 'GMT']) expect(canonicalZone(utc)).toBe('UTC');
});

test('what Intl does not know is no zone, nor is an offset', () => {
  for (const name of ['', 'Mars/Olympus', '+01:00', '-05', ' UTC', 'UTC\n', '__proto__']) {
    expect(canonicalZone(name)).toBeUndefined();
    expect(() => zoneOf(name)).toThrow(expect.objectContaining({ code: 'bad_argument' }));
  }
});

test('every zone shows at every time what Intl shows', patience, () => {
  const anyZone = fc.constantFrom(...Intl.supportedValuesOf('timeZone'), 'UTC', 'Etc/GMT+5');
  const anyTime = fc.integer({ min: 0, max: 4_102_444_800 }).map(unixSeconds);
  fc.assert(
    fc.property(anyZone, anyTime, (name, time) => {
      const span = zoneOf(name).spanAt(time);
      expect(span.start <= time && time < span.end).toBe(true);
      const [reading] = readings(name, time, time + 1, 1);
      expect(span.offset).toBe(reading!.local - reading!.time);
    }),
    { numRuns: effort(1_500, 100_000) },
  );
});

test('a span ends in the second the clock changes', () => {
  const change = Date.parse('2026-10-25T01:00:00Z') / 1000;
  const zone = zoneOf('Europe/Berlin');
  expect(zone.spanAt(unixSeconds(change - 1))).toMatchObject({ end: change, offset: 7_200 });
  expect(zone.spanAt(unixSeconds(change))).toMatchObject({ start: change, offset: 3_600 });
});

const serverZone = process.env['TZ'];

afterEach(() => {
  if (serverZone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = serverZone;
});

test("the server's own zone changes nothing", async () => {
  const answers = new Set<string>();
  const hoursOfServer = new Set<number>();
  for (const zone of ['UTC', 'Asia/Shanghai', 'America/New_York', 'Australia/Lord_Howe']) {
    process.env['TZ'] = zone;
    hoursOfServer.add(new Date(2026, 0).getTimezoneOffset());
    vi.resetModules();
    const { calendarOf } = await import('../../src/core/calendar.ts');
    const times = ['UTC', 'Europe/Berlin', 'Pacific/Apia'].flatMap((planZone) =>
      ['30 2 * * *', '*/20 * * * *', '0 0 29 2 *'].map((expression) =>
        calendarOf({ kind: 'cron', expression, zone: planZone }).next(unixSeconds(1_774_700_000)),
      ),
    );
    answers.add(JSON.stringify(times));
  }
  expect(hoursOfServer.size).toBe(4);
  expect(answers.size).toBe(1);
});
