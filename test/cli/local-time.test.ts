import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';

import { formatLocalTime, parseTime } from '../../src/cli/local-time.ts';

const ownZone = process.env['TZ'];

afterEach(() => {
  if (ownZone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = ownZone;
});

const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Australia/Lord_Howe'];

test.each(zones)('a time shown in %s is read back as the same second', (zone) => {
  process.env['TZ'] = zone;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_000_000_000 }), (second) => {
      expect(parseTime(formatLocalTime(second))).toBe(second);
    }),
  );
});

test('without an offset the time is local, and one that the zone skips is refused', () => {
  process.env['TZ'] = 'Europe/Berlin';
  expect(parseTime('2026-07-01 12:00:00')).toBe(Date.UTC(2026, 6, 1, 10) / 1000);
  expect(() => parseTime('2026-03-29 02:30:00')).toThrow('an existing YYYY-MM-DD HH:MM:SS');
  expect(parseTime('1700000000')).toBe(1_700_000_000);
});

test.each(['2026-02-30 00:00:00Z', '2026-13-01 00:00:00+01:00', '2026-01-01 25:00:00'])(
  'no clock shows %s',
  (text) => expect(() => parseTime(text)).toThrow('an existing YYYY-MM-DD HH:MM:SS'),
);

test('a second beyond the calendar is shown as it is', () => {
  expect(formatLocalTime(2 ** 53)).toBe('@9007199254740992');
});
