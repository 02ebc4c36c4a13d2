import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { BrokenMessage } from '../../src/wire/faults.ts';
import type { Dialect } from '../../src/wire/framing.ts';
import { forsunService } from '../../src/wire/forsun.ts';
import { type WireLimits, wireDefaults } from '../../src/wire/limits.ts';
import { MessageStream } from '../../src/wire/message-stream.ts';
import { writeCall } from '../../src/wire/messages.ts';
import { readStruct } from '../../src/wire/read-struct.ts';
import type { WireWriter } from '../../src/wire/protocol.ts';
import { WireCode } from '../../src/wire/wire-code.ts';
import { dialects, nameOf, writtenIn } from '../support/wire-oracle.ts';
import { aText, scheduleArgs, someParams } from '../support/wire-values.ts';

const someArgs = fc.record({ ...scheduleArgs, action: aText, params: someParams });

describe.each(dialects.map((dialect) => [nameOf(dialect), dialect] as const))(
  '%s',
  (_, dialect) => {
    test('messages come out whole and in order, however their bytes are cut', () => {
      const cuts = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 50 });
      fc.assert(
        fc.property(fc.array(someArgs, { minLength: 1, maxLength: 5 }), cuts, (calls, sizes) => {
          const bytes = Buffer.concat(calls.map((args, seqid) => create(dialect, seqid, args)));
          const stream = new MessageStream(wireDefaults);
          const seen: unknown[] = [];
          for (const packet of cut(bytes, sizes)) {
            stream.push(packet);
            for (let header = stream.next(); header !== undefined; header = stream.next()) {
              seen.push([header.seqid, readStruct(stream.reader, forsunService.create.args)]);
            }
          }
          expect(seen).toEqual(calls.map((args, seqid) => [seqid, args]));
          expect(stream.pendingBytes).toBe(0);
          expect(stream.heldBytes).toBe(0);
        }),
      );
    });

    test('unknown fields of any type are passed over', () => {
      const call = writtenIn(dialect, (writer) => {
        writer.writeHeader({ name: 'get', type: 1, seqid: 1 });
        writer.structBegin();
        writeOneOfEach(writer);
        writer.fieldBegin(WireCode.text, 1);
        writer.writeText('a key');
        writer.structEnd();
      });
      const stream = streamOf(call);
      expect(stream.next()).toMatchObject({ name: 'get' });
      expect(readStruct(stream.reader, forsunService.get.args)).toEqual({ key: 'a key' });
    });

    test('a field of another type than declared counts as missing', () => {
      const call = writtenIn(dialect, (writer) => {
        writer.writeHeader({ name: 'create', type: 1, seqid: 1 });
        writer.structBegin();
        writer.boolField(1, true);
        writer.fieldBegin(WireCode.i64, 2);
        writer.writeI64(5);
        writer.fieldBegin(WireCode.map, 9);
        writer.mapBegin(WireCode.text, WireCode.i32, 1);
        writer.writeText('name');
        writer.writeI32(7);
        writer.structEnd();
      });
      const stream = streamOf(call);
      stream.next();
      const { key, second, minute, params } = readStruct(stream.reader, forsunService.create.args);
      expect([key, second, minute, params]).toEqual([undefined, undefined, -1, new Map()]);
    });

    test('of a name given twice the last value counts', () => {
      const call = writtenIn(dialect, (writer) => {
        writer.writeHeader({ name: 'create', type: 1, seqid: 1 });
        writer.structBegin();
        writer.fieldBegin(WireCode.map, 9);
        writer.mapBegin(WireCode.text, WireCode.text, 2);
        for (const text of ['name', 'first', 'name', 'last']) writer.writeText(text);
        writer.structEnd();
      });
      const stream = streamOf(call);
      stream.next();
      const { params } = readStruct(stream.reader, forsunService.create.args);
      expect(params).toEqual(new Map([['name', 'last']]));
    });

    test.each([
      ['a string', { stringBytes: 99 }],
      ['a name', { nameBytes: 5 }],
      ['a container', { containerSize: 2 }],
      ['a depth', { depth: 1 }],
      ['a message', { messageBytes: 150 }],
    ])('%s past its limit breaks the message', (_, limit) => {
      const params = new Map([1, 2, 3].map((i) => [`name ${i}`, 'x'.repeat(100)]));
      const call = create(dialect, 1, { key: 'a', second: 1, params });
      expect(() => streamOf(call, limit).next()).toThrow(BrokenMessage);
      expect(streamOf(call).next()).toBeDefined();
    });

    test('structs within structs without end break the message at the depth allowed', () => {
      const call = writtenIn(dialect, (writer) => {
        writer.writeHeader({ name: 'ping', type: 1, seqid: 1 });
        for (let depth = 0; depth < 100_000; depth++) {
          writer.structBegin();
          writer.fieldBegin(WireCode.struct, 1);
        }
      });
      expect(() => streamOf(call, { messageBytes: 2 ** 24 }).next()).toThrow(BrokenMessage);
    });
  },
);

const create = (dialect: Dialect, seqid: number, args: object): Buffer =>
  writtenIn(dialect, (writer) => {
    writeCall(writer, { name: 'create', seqid }, forsunService.create, args);
  });

function streamOf(bytes: Buffer, limits: Partial<WireLimits> = {}): MessageStream {
  const stream = new MessageStream({ ...wireDefaults, ...limits });
  stream.push(bytes);
  return stream;
}

/** The bytes in packets of these sizes, taken round and round; each has memory of its own. */
function* cut(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield Buffer.from(bytes.subarray(at, at + size));
    at += size;
  }
}

function writeOneOfEach(writer: WireWriter): void {
  writer.boolField(20, false);
  writer.fieldBegin(WireCode.i16, 21);
  writer.writeI16(-1);
  writer.fieldBegin(WireCode.i32, 400);
  writer.writeI32(2 ** 31 - 1);
  writer.fieldBegin(WireCode.i64, 22);
  writer.writeI64(-(2 ** 53));
  writer.fieldBegin(WireCode.list, 24);
  writer.listBegin(WireCode.struct, 16);
  for (let element = 0; element < 16; element++) {
    writer.structBegin();
    writer.boolField(1, true);
    writer.structEnd();
  }
  writer.fieldBegin(WireCode.set, 25);
  writer.listBegin(WireCode.i16, 2);
  writer.writeI16(1);
  writer.writeI16(2);
  writer.fieldBegin(WireCode.map, 26);
  writer.mapBegin(WireCode.i32, WireCode.list, 1);
  writer.writeI32(3);
  writer.listBegin(WireCode.text, 1);
  writer.writeText('deep');
}
