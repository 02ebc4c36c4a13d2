import fc from 'fast-check';
import { expect, test } from 'vitest';

import { logLine } from '../../src/runtime/log-line.ts';

const at = (event: string, fields = {}): string =>
  logLine(1_700_000_000_000, 7, 'info', event, fields);

test('a line is time, pid, level, event and fields', () => {
  expect(at('plan created', { key: 'a', count: 2, late: false, gone: undefined })).toBe(
    '2023-11-14T22:13:20.000Z 7 INFO plan created key=a count=2 late=false',
  );
});

test('what does not read as one word is quoted', () => {
  expect(at('e', { a: 'x y', b: '', c: 'say "hi"', d: 'k=v', e: 'c:\\d' })).toMatch(
    / a="x y" b="" c="say \\"hi\\"" d="k=v" e="c:\\\\d"$/,
  );
});

test('a value is cut at 512 characters', () => {
  expect(at('e', { a: 'x'.repeat(513) })).toMatch(/ a=x{512}…$/);
});

test('whatever the values hold, it is one line without control characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (event, value) => {
      expect(at(event, { value })).not.toMatch(
        /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/,
      );
    }),
  );
});
