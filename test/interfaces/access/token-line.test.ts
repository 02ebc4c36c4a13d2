import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Grant } from '../../../src/interfaces/access/grant.ts';
import {
  formatTokenLine,
  hashOf,
  makeToken,
  parseTokens,
  tokenLength,
} from '../../../src/interfaces/access/token-line.ts';

const hash = 'ab'.repeat(32);
const hashes = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => index.toString(16).padStart(64, '0'));

const word = fc.stringMatching(/^[^\s]{1,20}$/);
const action = fc.stringMatching(/^[a-z0-9_-]{1,10}$/);
const aGrant: fc.Arbitrary<Grant> = fc.record(
  {
    name: fc.stringMatching(/^[\w.@-]{1,64}$/),
    role: fc.constantFrom('read', 'write', 'admin'),
    prefix: word,
    actions: fc.array(action, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['name', 'role'] },
);

test('a line is read as it was written', () => {
  fc.assert(
    fc.property(aGrant, (grant) => {
      expect(parseTokens(formatTokenLine({ hash, grant }))).toEqual([{ hash, grant }]);
    }),
  );
});

test('a made token is valid, and another one each time', () => {
  const tokens = new Set(Array.from({ length: 100 }, makeToken));
  expect(tokens.size).toBe(100);
  for (const token of tokens) {
    expect(token).toMatch(/^forsun_[\w-]{43}$/);
    expect(token.length).toBeGreaterThan(tokenLength.min);
  }
  expect(hashOf('abc').toString('hex')).toMatch(/^ba7816bf/);
});

test('empty lines and comments say nothing', () => {
  const line = `app read sha256:${hash.toUpperCase()}`;
  expect(parseTokens(`\uFEFF# all\r\n\r\n\t ${line}\r\n`)).toEqual([
    { hash, grant: { name: 'app', role: 'read' } },
  ]);
  expect(parseTokens('')).toEqual([]);
});

test.each([
  ['app', 'line 2: expected NAME ROLE sha256:HASH'],
  [`app read ${hash}`, 'line 2: expected NAME ROLE sha256:HASH'],
  [`app read sha256:${hash}0`, 'line 2: expected NAME ROLE sha256:HASH'],
  [`app root sha256:${hash}`, 'line 2: a role is read, write, admin'],
  [`app/ read sha256:${hash}`, 'line 2: a name is'],
  [`app read sha256:${hash} x`, 'line 2: at the end, keys='],
  [`app read sha256:${hash} keys=`, 'line 2: at the end, keys='],
  [`app read sha256:${hash} actions=http,,redis`, 'line 2: at the end, keys='],
  [`app read sha256:${hash} keys=a keys=b`, 'line 2: at the end, keys='],
  [`app read sha256:${hash}\nb read sha256:${hash}`, 'line 3: this token stands there already'],
  [
    hashes(3)
      .map((one) => `app read sha256:${one}`)
      .join('\n'),
    'line 4: app has 2 tokens already',
  ],
  [
    hashes(1001)
      .map((one, at) => `n${at} read sha256:${one}`)
      .join('\n'),
    'line 1002: 1000 tokens',
  ],
])('what is not understood is refused by its line: %#', (text, problem) => {
  expect(() => parseTokens(`# tokens\n${text}\n`)).toThrow(problem);
});
