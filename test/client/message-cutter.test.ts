import fc from 'fast-check';
import { expect, test } from 'vitest';

import { MessageCutter } from '../../src/client/message-cutter.ts';

/** Values of Thrift with their type, written by hand: an encoder that shares nothing with the cutter. */
type Value = readonly [type: number, bytes: Buffer];

const i32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const text = (bytes: Uint8Array): Buffer => Buffer.concat([i32(bytes.length), bytes]);
const struct = (values: readonly Value[]): Buffer =>
  Buffer.concat([
    ...values.map(([type, bytes]) => Buffer.concat([Buffer.from([type, 0, 1]), bytes])),
    Buffer.from([0]),
  ]);

const { value } = fc.letrec<{ value: Value; leaf: Value }>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom<Value>(
      [2, Buffer.alloc(1)],
      [4, Buffer.alloc(8)],
      [6, Buffer.alloc(2)],
      [8, i32(7)],
    ),
    fc.uint8Array().map((bytes): Value => [11, text(bytes)]),
  ),
  value: fc.oneof(
    { maxDepth: 4 },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 3 }).map((values): Value => [12, struct(values)]),
    fc
      .tuple(fc.nat(5), fc.uint8Array({ maxLength: 9 }), tie('value'))
      .map(([size, name, [type, bytes]]): Value => {
        const entries = Array.from({ length: size }, () => [text(name), bytes]).flat();
        return [13, Buffer.concat([Buffer.from([11, type]), i32(size), ...entries])];
      }),
    fc.tuple(fc.nat(5), tie('value')).map(([size, [type, bytes]]): Value => {
      const elements = Array.from({ length: size }, () => bytes);
      return [15, Buffer.concat([Buffer.from([type]), i32(size), ...elements])];
    }),
  ),
}));

const message = fc
  .tuple(fc.uint8Array({ maxLength: 9 }), fc.array(value, { maxLength: 4 }))
  .map(([name, values]) =>
    Buffer.concat([Buffer.from([0x80, 1, 0, 2]), text(name), i32(1), struct(values)]),
  );

test('messages are found whole and in order, wherever the packets are cut', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 4 }), fc.array(fc.nat()), (messages, cuts) => {
      const stream = Buffer.concat(messages);
      const cutter = new MessageCutter(1024 * 1024);
      const ends = [...cuts.map((cut) => cut % (stream.length + 1)), stream.length];
      const found: Buffer[] = [];
      let at = 0;
      for (const end of ends.sort((a, b) => a - b)) {
        found.push(...cutter.push(stream.subarray(at, end)));
        at = end;
      }
      expect(found.map((bytes) => bytes.toString('hex'))).toEqual(
        messages.map((bytes) => bytes.toString('hex')),
      );
    }),
  );
});

test('any bytes give messages, patience or a broken reply, never another error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const cutter = new MessageCutter(1024);
      try {
        const header = Buffer.from('80010002000000000000000001', 'hex').subarray(0, 12);
        Array.from(cutter.push(Buffer.concat([header, bytes])));
      } catch (error) {
        expect(error).toMatchObject({ name: 'BrokenMessage' });
      }
    }),
  );
});

test('a message that grows beyond the limit is refused, however small its parts', () => {
  const cutter = new MessageCutter(1_000);
  const fields = Buffer.alloc(1_200, Buffer.from([2, 0, 1, 1]));
  const header = Buffer.from('800100020000000000000000', 'hex');
  expect(() => Array.from(cutter.push(Buffer.concat([header, fields])))).toThrow(
    'more than 1000 bytes',
  );
});
