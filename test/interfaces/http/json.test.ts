import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { asciiJson, type Json, JsonError, parseJson } from '../../../src/interfaces/http/json.ts';

/** As JSON.parse has it, for values that lose nothing there. */
function plain(json: Json): unknown {
  if (json instanceof Map) {
    return Object.fromEntries([...json].map(([name, value]) => [name, plain(value as Json)]));
  }
  return Array.isArray(json) ? json.map((value: Json) => plain(value)) : json;
}

const tokens = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  'true',
  'null',
  'x',
  '0',
  '12',
  '.',
  'e',
  '+',
  '-',
];
tokens.push(' ', '\n', '\u00e9', '\ufeff', '"a"');

const anyJson = fc.jsonValue({ maxDepth: 6, stringUnit: 'grapheme' });

describe('parseJson', () => {
  test('reads whatever JSON.stringify writes, with blanks or without', () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(0, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, (_name, one: unknown) => rounded(one), space);
        expect(plain(parseJson(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test('takes no text that JSON.parse does not take', () => {
    const texts = fc.oneof(
      fc.string({ unit: fc.constantFrom(...tokens) }),
      fc
        .tuple(anyJson, fc.nat(), fc.constantFrom('', '"', ',', '}', ']', '\\', '0', '.'))
        .map(([value, at, cut]) => {
          const text = JSON.stringify(value);
          return text.slice(0, at % text.length) + cut + text.slice((at % text.length) + 1);
        }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        let read: Json;
        try {
          read = parseJson(text);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError);
          return;
        }
        expect(plain(read)).toEqual(JSON.parse(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test('keeps every name, in the order they came', () => {
    const names = ['b', '2', '__proto__', '1', 'constructor'];
    const read = parseJson(`{${names.map((name) => `"${name}":"x"`).join(',')}}`);
    expect([...(read as ReadonlyMap<string, Json>).keys()]).toEqual(names);
  });

  test.each([
    ['9007199254740993', 'cannot be kept'],
    ['1e400', 'cannot be kept'],
    ['1.0000000000000000001', 'cannot be kept'],
    ['{"a":1,"\\u0061":2}', '"a" is there twice'],
    ['['.repeat(33) + ']'.repeat(33), 'levels deep'],
    ['"a\tb"', 'does not allow'],
    ['"\\x"', 'does not allow'],
    ['"abc', 'does not end'],
    ['01', 'expected the end'],
    ['[1,]', 'expected a value'],
    ['\ufeff1', 'expected a value'],
  ])('refuses %s', (text, message) => {
    expect(() => parseJson(text)).toThrow(message);
  });

  test('takes 262,144 values, objects and arrays among them, and no more', () => {
    const row = (length: number): string => `[${Array.from({ length }, () => '7').join(',')}]`;
    expect(parseJson(row(262_143))).toHaveLength(262_143);
    expect(() => parseJson(row(262_144))).toThrow('more than 262144 values');
    const members = Array.from({ length: 131_072 }, (_, index) => `"${index}":[]`);
    expect(() => parseJson(`[{${members.join(',')}},${row(131_072)}]`)).toThrow('more than');
  });

  test('reads long texts, and those that need escapes, as they were meant', () => {
    const texts = [
      'x'.repeat(12),
      'x'.repeat(13),
      'x'.repeat(1e6),
      '"\\'.repeat(9),
      '\u007f\u2028é😀',
    ];
    expect(parseJson(JSON.stringify(texts))).toEqual(texts);
  });

  test('costs no more for a million brackets, quotes or digits than for their bytes', () => {
    for (const text of [
      '['.repeat(1e6),
      '{"a":'.repeat(1e6),
      `"${'\\'.repeat(1e6)}`,
      '1'.repeat(1e6),
    ]) {
      expect(() => parseJson(text)).toThrow(JsonError);
    }
  });
});

/** Of numbers, those that are kept exactly. */
function rounded(value: unknown): unknown {
  if (typeof value !== 'number') return value;
  const short = Number(value.toPrecision(9));
  return Number.isInteger(short) && !Number.isSafeInteger(short) ? 0 : short;
}

test('asciiJson writes ASCII that says the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(asciiJson(text)).toMatch(/^[ -~]*$/);
      expect(JSON.parse(asciiJson(text))).toBe(text);
    }),
  );
});
