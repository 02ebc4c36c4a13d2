import { CronExpressionParser } from 'cron-parser';
import { Cron } from 'croner';
import { describe, expect, test } from 'vitest';

import { calendarOf } from '../../src/core/calendar.ts';
import { unixSeconds, type UnixSeconds } from '../../src/core/time.ts';
import { zoneOf } from '../../src/core/zone.ts';
import { changes, patterns } from './clock-changes.ts';
import { effort, patience } from './effort.ts';

const day = 86_400;
const zones = [...new Set(changes.map(([zone]) => zone))];

/** What a clock read minute by minute cannot tell, or that a naive reader does not know. */
const morePatterns = [
  ...['* * * * * *', '*/7 * * * * *', '30 15 10 * * *', '0 0 L * *', '0 12 15,L * *'],
  ...['0 9 * * mon-fri', '0 9 * jan,JUL sun', '0 0 29 2 *', '0 0 31 * *', '0 0 1 */3 *'],
  ...['0 12 * * 5L', '0 12 * * 1#2', '0 6 13 * 5', '15 3 * * 7'],
];

const at = (iso: string): UnixSeconds => unixSeconds(Date.parse(iso) / 1000);
const iso = (time: number): string => new Date(time * 1000).toISOString();

const ours = (expression: string, zone: string, after: UnixSeconds): number =>
  calendarOf({ kind: 'cron', expression, zone }).next(after) ?? NaN;

const croner = (expression: string, zone: string, after: UnixSeconds): number =>
  (new Cron(expression, { timezone: zone }).nextRun(new Date(after * 1000))?.getTime() ?? NaN) /
  1000;

const cronParser = (expression: string, zone: string, after: UnixSeconds): number =>
  CronExpressionParser.parse(expression, { tz: zone, currentDate: new Date(after * 1000) })
    .next()
    .getTime() / 1000;

/** The zone's clock keeps its pace from two days before one to two days after the other. */
function isCalm(zone: string, from: number, to: number): boolean {
  let span = zoneOf(zone).spanAt(unixSeconds(from - 2 * day));
  const { offset } = span;
  while (span.end <= to + 2 * day && span.offset === offset) span = zoneOf(zone).spanAt(span.end);
  return span.offset === offset;
}

describe('where no clock changes, croner and cron-parser say the same', () => {
  test.each(zones)('%s', patience, (zone) => {
    let compared = 0;
    for (const [index, expression] of [...patterns, ...morePatterns].entries()) {
      for (let round = 0; round < effort(3, 50); round++) {
        // Anywhere in 2024 to 2027, at any time of the day; no two alike.
        const after = addPrimes(at('2024-01-01T00:00:00Z'), index, round);
        const next = ours(expression, zone, after);
        if (!isCalm(zone, after, next)) continue;
        const place = `${expression} after ${iso(after)}`;
        expect(iso(croner(expression, zone, after)), place).toBe(iso(next));
        expect(iso(cronParser(expression, zone, after)), place).toBe(iso(next));
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(100);
  });

  const addPrimes = (start: UnixSeconds, index: number, round: number): UnixSeconds =>
    unixSeconds(start + ((index * 15_485_863 + round * 32_452_843) % (4 * 365 * day)));
});

/** [why, zone, expression, after, ours, croner's, cron-parser's]. */
const differences = [
  [
    'a skipped time fires as soon as the clock is beyond it; cron-parser keeps its minute',
    ...['Europe/Berlin', '30 2 * * *', '2026-03-28T23:00:00Z'],
    ...['2026-03-29T01:00:00Z', '2026-03-29T01:00:00Z', '2026-03-29T01:30:00Z'],
  ],
  [
    'several skipped times fire together; croner skips the day',
    ...['Europe/Berlin', '*/10 2 * * *', '2026-03-28T23:00:00Z'],
    ...['2026-03-29T01:00:00Z', '2026-03-30T00:00:00Z', '2026-03-29T01:00:00Z'],
  ],
  [
    'every other hour is a list of hours, and the skipped one fires; croner leaves it out',
    ...['Europe/Berlin', '0 */2 * * *', '2026-03-29T00:30:00Z'],
    ...['2026-03-29T01:00:00Z', '2026-03-29T02:00:00Z', '2026-03-29T01:00:00Z'],
  ],
  [
    'a repeated time fires once; cron-parser repeats it, asked between the two',
    ...['Europe/Berlin', '30 2 * * *', '2026-10-25T01:29:00Z'],
    ...['2026-10-26T01:30:00Z', '2026-10-26T01:30:00Z', '2026-10-25T01:30:00Z'],
  ],
  [
    'several repeated times fire once each; croner repeats them',
    ...['Europe/Berlin', '*/10 2 * * *', '2026-10-25T00:59:00Z'],
    ...['2026-10-26T01:00:00Z', '2026-10-25T01:00:00Z', '2026-10-26T01:00:00Z'],
  ],
  [
    'half an hour is skipped as an hour is; cron-parser loses the day',
    ...['Australia/Lord_Howe', '0 2 * * *', '2026-10-03T12:00:00Z'],
    ...['2026-10-03T15:30:00Z', '2026-10-03T15:30:00Z', '2026-10-04T15:00:00Z'],
  ],
  [
    'a skipped day fires when the next begins; both others leave it out',
    ...['Pacific/Apia', '30 1 * * *', '2011-12-30T05:00:00Z'],
    ...['2011-12-30T10:00:00Z', '2011-12-30T11:30:00Z', '2011-12-30T11:30:00Z'],
  ],
] as const;

describe('where a clock changes, we differ by intent', () => {
  test.each(differences)('%s', (_why, zone, expression, after, ...expected) => {
    const answers = [ours, croner, cronParser].map((next) =>
      iso(next(expression, zone, at(after))),
    );
    expect(answers).toEqual(expected.map((time) => iso(at(time))));
  });
});
