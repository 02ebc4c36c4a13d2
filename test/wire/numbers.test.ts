import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { binary } from '../../src/wire/binary.ts';
import { compact } from '../../src/wire/compact.ts';
import { wireDefaults } from '../../src/wire/limits.ts';
import type { Protocol } from '../../src/wire/protocol.ts';
import { readStruct } from '../../src/wire/read-struct.ts';
import { field, i16, i32, i64, struct } from '../../src/wire/schema.ts';
import { writeStruct } from '../../src/wire/write-struct.ts';
import { written } from '../support/wire-oracle.ts';
import { anI64 } from '../support/wire-values.ts';

const numbers = struct({ small: field(1, i16), middle: field(2, i32), large: field(3, i64) });

describe.each([binary, compact])('$name', (protocol: Protocol) => {
  const through = (value: number): unknown => {
    const bytes = written(protocol, (writer) => {
      writeStruct(writer, numbers, { small: value, middle: value, large: value });
    });
    const reader = protocol.createReader(wireDefaults);
    reader.open(bytes, 0, bytes.length);
    return readStruct(reader, numbers);
  };

  test('an i64 comes back as it went, an i16 and i32 as near as they can', () => {
    fc.assert(
      fc.property(anI64, (value) => {
        expect(through(value)).toEqual({
          small: Math.max(-32_768, Math.min(value, 32_767)),
          middle: Math.max(-(2 ** 31), Math.min(value, 2 ** 31 - 1)),
          large: value,
        });
      }),
    );
  });

  test.each([0, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1])(
    '%i',
    (value) => {
      expect(through(value)).toMatchObject({ large: value });
    },
  );

  test('a value that is not of its field is a bug, and nothing is written for it', () => {
    const fields = { small: 'one' } as unknown as { small: number };
    expect(() => written(protocol, (writer) => writeStruct(writer, numbers, fields))).toThrow(
      TypeError,
    );
  });
});
