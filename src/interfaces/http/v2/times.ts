import { z } from 'zod';

import { type UnixSeconds, unixSeconds } from '../../../core/time.ts';

/** The last second that RFC 3339 can say. */
export const lastTime = unixSeconds(253_402_300_799);

const expected =
  'a time such as "2026-11-21T16:32:00Z", or whole seconds since 1970-01-01T00:00:00Z';

const rfc3339 = z.iso
  .datetime({ offset: true, error: expected })
  .transform((text, context) => {
    const time = secondsOf(text);
    if (time >= 0 && time <= lastTime) return unixSeconds(time);
    context.addIssue(`${expected}, of the years 1970 to 9999`);
    return z.NEVER;
  })
  .describe('RFC 3339; a part of a second counts as the next second, as nothing is ever early');

const epoch = z
  .int(expected)
  .min(0, expected)
  .max(lastTime, `${expected} (not milliseconds)`)
  .transform(unixSeconds)
  .describe('Seconds since 1970-01-01T00:00:00Z');

/** A time as a client may say it. */
export const givenTime = z.union([rfc3339, epoch], expected);

/** A part of a second counts as the next one: so "from" and "to" hold exactly, and nothing is early. */
function secondsOf(text: string): number {
  const [, fraction = ''] = /\.(\d+)/.exec(text) ?? [];
  const whole = Date.parse(text.replace(/\.\d+/, '')) / 1000;
  return /[1-9]/.test(fraction) ? whole + 1 : whole;
}

/** The two forms in which each time is answered. */
export const shownTime = z.iso.datetime({ precision: 0 }).describe('RFC 3339, in UTC');
export const shownEpoch = z.int().describe('The same in seconds since 1970-01-01T00:00:00Z');

export const showTime = (time: UnixSeconds): string =>
  new Date(time * 1000).toISOString().replace(/\.000Z$/, 'Z');
