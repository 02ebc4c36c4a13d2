import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { tokenize, tokenText, type Token } from '../../src/grammar/tokens.ts';

/** Words as texts, pairs as [name, value]. */
const read = (text: string) =>
  tokenize(text).map((command) =>
    command.map((token) => (token.kind === 'word' ? token.text : [token.name, token.value])),
  );

describe('the vectors of the original', () => {
  test.each<[string, unknown]>([
    [`cmd="echo \\"hi\\" there";cwd=/tmp`, [[['cmd', 'echo "hi" there']], [['cwd', '/tmp']]]],
    ['cmd=echo hi', [[['cmd', 'echo'], 'hi']]],
    ['url=http://a/?x=1&y=2', [[['1&y', '2']]]],
    [`x '' y`, [['x', "' y"]]],
    [
      'SET a 1;SET b 2',
      [
        ['SET', 'a', '1'],
        ['SET', 'b', '2'],
      ],
    ],
    [`a"b"c`, [['ab', 'c']]],
  ])('%s', (text, tokens) => expect(read(text)).toEqual(tokens));
});

describe('quotes', () => {
  test.each<[string, string, unknown]>([
    ['the other quote is text', `'say "hi"'`, [['say "hi"']]],
    [
      'a backslash before the other quote stays',
      String.raw`'{"a":"\"b\""}'`,
      [[String.raw`{"a":"\"b\""}`]],
    ],
    ['a backslash before anything else stays', String.raw`'a\nb\\c'`, [[String.raw`a\nb\\c`]]],
    ['an escaped quote may begin a token', String.raw`'\'a\''`, [["'a'"]]],
    ['a quote left open ends with the text', `'cmd=ls -l`, [['cmd=ls -l']]],
    ['blanks at the beginning vanish', `'  a b '`, [['a b ']]],
    ['a semicolon in quotes is text', `'a;b';c`, [['a;b'], ['c']]],
  ])('%s', (_law, text, tokens) => expect(read(text)).toEqual(tokens));
});

test('an empty command is none', () => {
  expect(read(' ; ;; a ;')).toEqual([['a']]);
  expect(read('')).toEqual([]);
});

test('a name without a value has an empty one, and does not reach into the next command', () => {
  expect(read('body=;method=post')).toEqual([[['body', '']], [['method', 'post']]]);
  expect(read('body=')).toEqual([[['body', '']]]);
});

test('a pair says which names a further equals sign put aside', () => {
  const [[token]] = tokenize('a=b=c') as [[Token]];
  expect(token).toEqual({ kind: 'pair', name: 'b', value: 'c', lost: ['a'] });
  expect(tokenText(token)).toBe('a=b=c');
});

test('without pairs an equals sign is text', () => {
  expect(tokenize('GET a=b', { pairs: false })).toEqual([
    [
      { kind: 'word', text: 'GET' },
      { kind: 'word', text: 'a=b' },
    ],
  ]);
});

test('more tokens than asked for are refused, those of all commands together', () => {
  expect(tokenize('a b;c=d', { maxTokens: 3 })).toHaveLength(2);
  expect(() => tokenize('a b;c=d', { maxTokens: 2 })).toThrow('more than 2 words');
});

test('escaped quotes cost no more than their bytes', () => {
  const quotes = 1_000_000;
  expect(tokenize(`'${"\\'".repeat(quotes)}'`)).toEqual([
    [{ kind: 'word', text: "'".repeat(quotes) }],
  ]);
});

const mischief = fc.string({
  unit: fc.constantFrom('"', "'", '\\', ' ', '\t', '\n', ';', '=', 'a', 'é', '😀', '\0'),
});

test('every text has a reading in which no token is empty but a value', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), mischief), (text) => {
      for (const command of tokenize(text)) {
        expect(command).not.toHaveLength(0);
        for (const token of command) expect(tokenText(token)).not.toBe('');
      }
    }),
  );
});

test('text without quotes, equals signs and semicolons is split at blanks', () => {
  const word = fc.string({ minLength: 1, unit: fc.constantFrom('a', '\\', '*', '/', 'é', '1') });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), (words) => {
      expect(read(` ${words.join(' \t')} `)).toEqual([words]);
    }),
  );
});
