import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { generatedTypes } from '../../src/client/generated.ts';
import { binary } from '../../src/wire/binary.ts';
import { compact } from '../../src/wire/compact.ts';
import { forsunService, type MethodName, planStruct } from '../../src/wire/forsun.ts';
import { wireDefaults } from '../../src/wire/limits.ts';
import { MessageStream } from '../../src/wire/message-stream.ts';
import { type Method, readReply, writeCall, writeReply } from '../../src/wire/messages.ts';
import type { Protocol } from '../../src/wire/protocol.ts';
import { readStruct } from '../../src/wire/read-struct.ts';
import type { Fields, StructDraft } from '../../src/wire/schema.ts';
import { writeStruct } from '../../src/wire/write-struct.ts';
import { generatedCall, generatedPlan, generatedReply, written } from '../support/wire-oracle.ts';
import {
  anI16,
  anI32,
  aText,
  aWireFailure,
  aWirePlan,
  scheduleArgs,
  someParams,
} from '../support/wire-values.ts';

const args = {
  ping: fc.constant({}),
  create: fc.record({ ...scheduleArgs, action: aText, params: someParams }),
  createTimeout: fc.record({ ...scheduleArgs, count: anI16, action: aText, params: someParams }),
  remove: fc.record({ key: aText }),
  get: fc.record({ key: aText }),
  getCurrent: fc.constant({}),
  getTime: fc.record({ timestamp: anI32 }),
  getKeys: fc.record({ prefix: aText }),
  forsun_call: fc.record({ key: aText, ts: anI32, params: someParams }),
  info: fc.constant({}),
  getFailures: fc.record({ prefix: aText, limit: anI32 }),
  auth: fc.record({ token: aText }),
  listKeys: fc.record({ prefix: aText, after: aText, limit: anI32 }),
  restore: fc.record({ plan: aWirePlan, only_if_absent: fc.boolean() }),
} satisfies Record<MethodName, fc.Arbitrary<object>>;

const refusal = fc.record({ code: anI16, message: aText });
const planOrError = fc.oneof(
  aWirePlan.map((success) => ({ success })),
  refusal.map((err) => ({ err })),
);
const plans = fc.array(aWirePlan, { maxLength: 20 }).map((success) => ({ success }));

const results = {
  ping: anI16.map((success) => ({ success })),
  create: planOrError,
  createTimeout: planOrError,
  remove: planOrError,
  get: planOrError,
  getCurrent: plans,
  getTime: plans,
  getKeys: fc.array(aText, { maxLength: 20 }).map((success) => ({ success })),
  forsun_call: fc.constant({}),
  info: someParams.map((success) => ({ success })),
  getFailures: fc.array(aWireFailure, { maxLength: 20 }).map((success) => ({ success })),
  auth: fc.oneof(
    aText.map((success) => ({ success })),
    refusal.map((err) => ({ err })),
  ),
  listKeys: fc.oneof(
    fc.array(aText, { maxLength: 20 }).map((success) => ({ success })),
    refusal.map((err) => ({ err })),
  ),
  restore: planOrError,
} satisfies Record<MethodName, fc.Arbitrary<object>>;

const methods = Object.keys(forsunService) as MethodName[];

/** The table without the types of each method, as one test goes through all of them. */
const methodOf = (name: MethodName): Method<Fields, Fields> => forsunService[name];

describe.each([binary, compact])('$name', (protocol: Protocol) => {
  test.each(methods)('a call of %s is written as the generated code writes it', (name) => {
    fc.assert(
      fc.property(args[name], (values: StructDraft<Fields>) => {
        expect(ourCall(protocol, name, values)).toEqual(theirCall(protocol, name, values));
      }),
    );
  });

  test.each(methods)('a call of %s is read as it was written', (name) => {
    fc.assert(
      fc.property(args[name], (values: StructDraft<Fields>) => {
        const stream = streamOf(protocol, theirCall(protocol, name, values));
        expect(stream.next()).toEqual({ name, type: 1, seqid: 1 });
        expect(readStruct(stream.reader, methodOf(name).args)).toEqual(values);
        expect(stream.next()).toBeUndefined();
      }),
    );
  });

  test.each(methods)('a reply of %s is written as the generated code writes it', async (name) => {
    await fc.assert(
      fc.asyncProperty(args[name], results[name], async (values, result: object) => {
        const call = ourCall(protocol, name, values);
        const ours = written(protocol, (writer) => {
          writeReply(writer, { name, seqid: 1 }, methodOf(name), result);
        });
        const handler = { [name]: answering(name, Object.keys(values).length, result) };
        expect(ours).toEqual(await generatedReply(protocol, call, handler));
        expect(replyIn(protocol, name, ours)).toMatchObject(result);
      }),
    );
  });

  test('a plan without a next time is written as the generated code writes it', () => {
    fc.assert(
      fc.property(aWirePlan, (plan) => {
        const fields = { ...plan, next_time: undefined };
        const ours = written(protocol, (writer) => writeStruct(writer, planStruct, fields));
        const params = Object.fromEntries(plan.params);
        expect(ours).toEqual(generatedPlan(protocol, { ...fields, params }));
      }),
    );
  });
});

const ourCall = (protocol: Protocol, name: MethodName, values: StructDraft<Fields>): Buffer =>
  written(protocol, (writer) => {
    writeCall(writer, { name, seqid: 1 }, methodOf(name), values);
  });

function theirCall(protocol: Protocol, name: MethodName, values: StructDraft<Fields>): Buffer {
  return generatedCall(protocol, (client) => {
    const methods = client as unknown as Record<string, (...all: unknown[]) => Promise<unknown>>;
    return methods[name]!(...Object.values(values).map(plain));
  });
}

/** As the generated code wants it: objects for maps. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value as Map<string, string>);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, plain(field)]);
  const Struct = 'reason' in value ? generatedTypes.ForsunFailure : generatedTypes.ForsunPlan;
  return new Struct(Object.fromEntries(fields) as never);
}

/** A handler of as many parameters as the method has: the generated code counts them. */
function answering(name: MethodName, parameters: number, result: object): object {
  const answer = (): Promise<unknown> => {
    if ('err' in result) throw new generatedTypes.ForsunPlanError(result.err as never);
    return Promise.resolve(plain('success' in result ? result.success : undefined));
  };
  const handler = async (): Promise<unknown> => answer();
  Object.defineProperty(handler, 'length', { value: parameters });
  Object.defineProperty(handler, 'name', { value: name });
  return handler;
}

function streamOf(protocol: Protocol, bytes: Buffer): MessageStream {
  const stream = new MessageStream(wireDefaults, { protocol, framed: false });
  stream.push(bytes);
  return stream;
}

function replyIn(protocol: Protocol, name: MethodName, bytes: Buffer): object {
  const stream = streamOf(protocol, bytes);
  const header = stream.next();
  if (header === undefined) throw new TypeError('the reply is not whole');
  const reply = readReply(stream.reader, header, methodOf(name));
  return reply.kind === 'result' ? reply.result : reply.exception;
}
