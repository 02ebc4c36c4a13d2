import fc from 'fast-check';
import { expect, test } from 'vitest';

import { printable } from '../../src/actions/firing-headers.ts';
import { retryAfterSeconds } from '../../src/actions/http-outcome.ts';

const T0 = Date.parse('Fri, 31 Dec 1999 23:59:00 GMT');

test.each([
  ['120', 120],
  [' 1 ', 1],
  ['0', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
  ['9'.repeat(400), 3_600],
  ['Fri, 31 Dec 1999 23:59:59 GMT', 59],
  ['Friday, 31-Dec-99 23:59:59 GMT', 59],
  ['Fri, 31 Dec 1999 23:58:59 GMT', undefined],
  ['Fri, 31 Dec 2100 23:59:59 GMT', 3_600],
])('Retry-After %j asks for %j seconds', (value, seconds) => {
  expect(retryAfterSeconds(value, T0)).toBe(seconds);
});

test('any text in a firing header is printable ASCII without outer blanks, and can be read back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
      const sent = printable(text);
      expect(sent).toMatch(/^([!-~]([ -~]*[!-~])?)?$/);
      expect(decodeURIComponent(sent)).toBe(text);
    }),
    { examples: [['% é'], [' '], ['  a '], ['\u{1f600}%25']] },
  );
});
