import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { shiftsOf, shiftText, zoneNamed } from '../../src/migration/source-zone.ts';

const at = (text: string): number => Date.parse(text) / 1000;

describe('the times of a server that ran in a zone', () => {
  test.each([
    ['UTC', '2026-11-21T16:32:00Z', '2026-11-21T16:32:00Z'],
    ['Asia/Shanghai', '2026-11-21T08:32:00Z', '2026-11-21T16:32:00Z'],
    ['America/New_York', '2026-11-21T21:32:00Z', '2026-11-21T16:32:00Z'],
    // Without daylight saving, also in summer, and on both halves of the earth.
    ['America/New_York', '2026-07-21T21:32:00Z', '2026-07-21T16:32:00Z'],
    ['Europe/Berlin', '2026-07-21T15:32:00Z', '2026-07-21T16:32:00Z'],
    ['Australia/Sydney', '2026-01-21T06:32:00Z', '2026-01-21T16:32:00Z'],
    ['Asia/Kathmandu', '2026-01-21T10:47:00Z', '2026-01-21T16:32:00Z'],
  ])('%s: %s is %s', (zone, stored, expected) => {
    expect(zoneNamed(zone).trueTime(at(stored))).toBe(at(expected));
  });

  test('a zone that there is not is refused', () => {
    expect(() => zoneNamed('Mars/Olympus')).toThrow('no time zone');
  });
});

describe('the zone is told by what was written when', () => {
  const quarters = fc.integer({ min: -48, max: 56 }).map((count) => count * 900);

  test('though clocks differ by a minute', () => {
    fc.assert(
      fc.property(
        quarters,
        fc.integer({ min: -60, max: 60 }),
        fc.nat(2 ** 31),
        (shift, off, time) => {
          expect(shiftsOf([{ stored: time, writtenAt: time + shift + off }])).toEqual([shift]);
        },
      ),
    );
  });

  test('but not by a difference that no zone has', () => {
    const day = 86_400;
    for (const difference of [61, 450, 15 * 3_600, -13 * 3_600, 23 * day, -7 * day]) {
      expect(shiftsOf([{ stored: 1_700_000_000, writtenAt: 1_700_000_000 + difference }])).toEqual(
        [],
      );
    }
  });

  test('and witnesses that contradict each other are all heard', () => {
    const stored = 1_700_000_000;
    const writtenAt = [stored, stored + 1, stored + 28_800, stored + 100];
    expect(shiftsOf(writtenAt.map((one) => ({ stored, writtenAt: one })))).toEqual([0, 28_800]);
  });
});

test.each([
  [0, 'UTC+00:00'],
  [28_800, 'UTC+08:00'],
  [-12_600, 'UTC-03:30'],
])('%d seconds are %s', (seconds, text) => {
  expect(shiftText(seconds)).toBe(text);
});
