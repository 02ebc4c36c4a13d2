import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { BadMsgpack, type Packed, PackedMap, unpack } from '../../src/migration/msgpack.ts';
import { Float, type Packable, packed } from './original-bytes.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** What was packed, as it is to come out. */
function expected(value: Packable): unknown {
  if (typeof value === 'string') return Buffer.from(value);
  if (value instanceof Float) return value.value;
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(expected);
  if (value instanceof Map) {
    return new PackedMap(
      [...value].map(
        ([name, one]) =>
          [expected(name as Packable), expected(one as Packable)] as [Packed, Packed],
      ),
    );
  }
  return value;
}

const packable: fc.Arbitrary<Packable> = fc.letrec<{ value: Packable }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.integer({ min: -40_000, max: 70_000 }),
    fc.double().map((value) => new Float(value)),
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc
      .array(fc.tuple(tie('value'), tie('value')), { maxLength: 20 })
      .map((pairs) => new Map(pairs)),
  ),
})).value;

describe('what the original packs', () => {
  test('comes out as it went in', () => {
    fc.assert(
      fc.property(packable, (value) => {
        expect(unpack(packed(value))).toEqual(expected(value));
      }),
    );
  });

  test.each<[string, unknown]>([
    ['00', 0],
    ['7f', 127],
    ['ff', -1],
    ['e0', -32],
    ['cc 80', 128],
    ['cd 0100', 256],
    ['ce 6553f100', 1_700_000_000],
    ['cf 0000000100000000', 2 ** 32],
    ['d0 df', -33],
    ['d1 ff00', -256],
    ['d2 80000000', -(2 ** 31)],
    ['d3 ffffffff00000000', -(2 ** 32)],
    ['ca 3fc00000', 1.5],
    ['cb 41d954fc40000000', 1_700_000_000],
    ['c0', null],
    ['c2', false],
    ['c3', true],
    ['a2 6869', Buffer.from('hi')],
    ['d9 02 6869', Buffer.from('hi')],
    ['da 0002 6869', Buffer.from('hi')],
    ['db 00000002 6869', Buffer.from('hi')],
    ['c4 02 6869', Buffer.from('hi')],
    ['c5 0002 6869', Buffer.from('hi')],
    ['c6 00000002 6869', Buffer.from('hi')],
    ['92 01 c0', [1, null]],
    ['dc 0001 01', [1]],
    ['dd 00000001 01', [1]],
    ['81 a1 61 01', new PackedMap([[Buffer.from('a'), 1]])],
    ['de 0001 a1 61 01', new PackedMap([[Buffer.from('a'), 1]])],
    ['df 00000001 a1 61 01', new PackedMap([[Buffer.from('a'), 1]])],
  ])('%s', (bytes, value) => {
    expect(unpack(hex(bytes))).toEqual(value);
  });
});

describe('what is no msgpack', () => {
  test.each([
    ['', 'it ends too early'],
    ['a2 68', 'it ends too early'],
    ['dd ffffffff 01', 'it ends too early'],
    ['df ffffffff', 'it ends too early'],
    ['c6 ffffffff 01', 'it ends too early'],
    ['01 02', 'there is more behind it'],
    ['c1', 'it has a value of type 0xc1'],
    ['d4 01 02', 'it has a value of type 0xd4'],
    ['91'.repeat(20) + '01', 'it is nested too deeply'],
  ])('%s: %s', (bytes, message) => {
    expect(() => unpack(hex(bytes))).toThrow(new BadMsgpack(message));
  });

  test('is refused, whatever it is, and nothing else is thrown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          unpack(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(BadMsgpack);
        }
      }),
    );
  });
});
