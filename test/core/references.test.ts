import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  mayRefer,
  referencesIn,
  referenceText,
  replaceReferences,
} from '../../src/core/references.ts';

const filled = (value: string): string =>
  replaceReferences('p', value, ({ kind, name }) => `<${kind} ${name}>`);

describe('references', () => {
  test.each([
    ['${env:A}', '<env A>'],
    ['Bearer ${env:_token_9}!', 'Bearer <env _token_9>!'],
    ['${env:A}${file:/run/a b}', '<env A><file /run/a b>'],
    ['$${env:A}', '${env:A}'],
    ['$$${env:A}', '$${env:A}'],
    ['$${env:A}${env:B}', '${env:A}<env B>'],
    ['$${env:', '${env:'],
    ['$ {env:A} ${A} $env:A {env:A}', '$ {env:A} ${A} $env:A {env:A}'],
  ])('%s reads %s', (value, expected) => {
    expect(filled(value)).toBe(expected);
  });

  test.each(['${env:', '${env:A', '${env:}', '${env:A B}', '${env:1}', '${env:A-B}'])(
    '%s is refused',
    (value) => {
      expect(() => filled(value)).toThrow(
        'the param "p" has a ${env: that is no reference; expected ${env:NAME}, or $${env:',
      );
    },
  );

  test.each(['${file:}', '${file:a}', '${file:./a}', '${file:/a'])('%s is refused', (value) => {
    expect(() => filled(value)).toThrow('expected ${file:/an/absolute/path}, or $${file:');
  });

  test('are found, each with its name, in their order', () => {
    expect(referencesIn('p', 'a${env:B}${file:/c}${env:B}$${env:D}')).toEqual([
      { kind: 'env', name: 'B' },
      { kind: 'file', name: '/c' },
      { kind: 'env', name: 'B' },
    ]);
  });

  test('text without one stays as it is', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        fc.pre(!mayRefer(value));
        expect(filled(value)).toBe(value);
      }),
    );
  });

  test('said as they are, they change nothing', () => {
    const part = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', '{', '}', ':', '/', ' ') }),
      fc.constant('${env:A}'),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const value = parts.join('');
        expect(replaceReferences('p', value, referenceText)).toBe(value);
      }),
    );
  });
});
