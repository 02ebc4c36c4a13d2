import type { Socket } from 'node:net';

import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';

import { Names } from '../../src/actions/names.ts';
import { thriftAction, thriftDefaults, type ThriftSettings } from '../../src/actions/thrift.ts';
import { type Clock, unixSeconds } from '../../src/core/time.ts';
import { binary } from '../../src/wire/binary.ts';
import { compact } from '../../src/wire/compact.ts';
import { forsunService } from '../../src/wire/forsun.ts';
import { writeFrame } from '../../src/wire/framing.ts';
import { writeCall, writeException, writeReply } from '../../src/wire/messages.ts';
import { OutputBuffer } from '../../src/wire/output-buffer.ts';
import type { WireWriter } from '../../src/wire/protocol.ts';
import { field, struct, text, textList } from '../../src/wire/schema.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { aNodeReceiver, aPythonReceiver } from '../support/thrift-receivers.ts';
import { RawServer } from './sink.ts';
import { aRun, fire, network, realClock, RecordedLog, until } from './support.ts';

function aThrift(settings: Partial<ThriftSettings> = {}, clock: Clock = realClock) {
  const log = new RecordedLog();
  const names = new Names(clock);
  const action = thriftAction(
    { ...thriftDefaults, ...settings },
    { clock, log, ...network(clock, names) },
  );
  onTestFinished(async () => {
    await action.close?.();
    names.close();
  });
  const call = (
    port: number,
    params: Record<string, string> = {},
    run: Parameters<typeof fire>[2] = {},
  ) => fire(action, { port: String(port), ...params }, run);
  return { action, log, call };
}

const done = { kind: 'done' };
const header = { name: 'forsun_call', seqid: 0 };
const method = forsunService.forsun_call;

function written(write: (writer: WireWriter) => void, protocol = binary): Buffer {
  const output = new OutputBuffer();
  write(protocol.createWriter(output));
  return output.take();
}

function framed(message: Buffer): Buffer {
  const output = new OutputBuffer();
  writeFrame(output, () => {
    output.reserve(message.length);
    message.copy(output.bytes, output.length);
    output.length += message.length;
  });
  return output.take();
}

const returns = written((writer) => writeReply(writer, header, method, {}));

/** Answers each packet that comes; undefined: not at all. */
async function aServer(
  answer: (socket: Socket) => Buffer | string | undefined,
): Promise<RawServer & { readonly received: Buffer[] }> {
  const received: Buffer[] = [];
  const server = await RawServer.open((socket) => {
    socket.on('data', (chunk) => {
      received.push(chunk);
      const reply = answer(socket);
      if (reply !== undefined) socket.write(reply);
    });
  });
  onTestFinished(() => server.close());
  return Object.assign(server, { received });
}

const noReply = (port: number) => ({
  kind: 'retry',
  reason: `no answer from thrift:127.0.0.1:${port}: what it says is no Thrift reply to the call`,
});

describe.each([
  ['Node', aNodeReceiver],
  ['Python', aPythonReceiver],
] as const)('a stock server in %s', (_, aReceiver) => {
  describe.each([
    ['buffered', 'binary', {}],
    ['buffered', 'compact', { protocol: 'compact' }],
    ['framed', 'binary', { framed: 'true' }],
    ['framed', 'compact', { framed: 'true', protocol: 'compact' }],
  ] as const)('%s %s', (transport, encoding, dialect) => {
    test('is called with key, due second, all params, fire id and attempt', async () => {
      const { port, calls } = await aReceiver(transport, encoding);
      const { call } = aThrift();
      const params = {
        ...dialect,
        host: '127.0.0.1',
        empty: '',
        order: '42; DROP TABLE "orders" --',
        'ünï\n': `it's ✓ 😀\r\n\0\\ "x"`,
        long: 'é'.repeat(100_000),
      };
      expect(await call(port, params, { attempt: 2 })).toEqual(done);
      expect(await call(port, params, { key: 'ключ 2' })).toEqual(done);
      const sent = {
        ...params,
        port: String(port),
        'forsun.fire_id': 'order:42:7:1700000000',
      };
      await until(() => calls.length === 2);
      expect(calls).toEqual([
        { key: 'order:42', ts: 1_700_000_000, params: { ...sent, 'forsun.attempt': '2' } },
        { key: 'ключ 2', ts: 1_700_000_000, params: { ...sent, 'forsun.attempt': '1' } },
      ]);
    });

    test('that raises has refused, finally, and is called on', async () => {
      const { port } = await aReceiver(transport, encoding);
      const { call, log } = aThrift();
      const raised = await call(port, dialect, { key: 'raise' });
      expect(raised).toEqual({
        kind: 'failed',
        reason: expect.stringMatching(
          `^refused by thrift:127.0.0.1:${port}: TApplicationException [06]$`,
        ) as string,
      });
      expect(await call(port, dialect)).toEqual(done);
      expect(JSON.stringify(log.lines)).not.toContain('s3cret');
    });
  });
});

describe('a call', () => {
  test('is, byte for byte, what the generated code of forsun sends', async () => {
    const server = await aServer(() => returns);
    await aThrift().call(server.port, { a: 'b' });
    const expected = written((writer) =>
      writeCall(writer, header, method, {
        key: 'order:42',
        ts: 1_700_000_000,
        params: new Map([
          ['port', String(server.port)],
          ['a', 'b'],
          ['forsun.fire_id', 'order:42:7:1700000000'],
          ['forsun.attempt', '1'],
        ]),
      }),
    );
    expect(server.received).toEqual([expected]);
    expect(expected.toString('latin1')).toMatch(
      /^\x80\x01\x00\x01\0\0\0\x0bforsun_call\0\0\0\0\x0b\0\x01/,
    );
  });

  test('names the largest second there is when its own is beyond 2038', async () => {
    const { port, calls } = await aNodeReceiver('buffered', 'binary');
    expect(await aThrift().call(port, {}, { fireTime: unixSeconds(2 ** 32) })).toEqual(done);
    expect(calls[0]?.ts).toBe(2 ** 31 - 1);
  });
});

describe('a plan is refused', () => {
  test.each([
    ['a port beyond 65535', { port: '65536' }, /param port .* is "65536"; expected a port/],
    [
      'a protocol there is not',
      { protocol: 'json' },
      /param protocol .* expected binary or compact/,
    ],
    ['a framed that is neither', { framed: 'yes' }, /param framed .* expected true .* or false/],
    ['a host with a line end', { host: 'a\n' }, /param host /],
    ['no room for a connection', { max_connections: '0' }, /param max_connections /],
  ])('that has %s', (_, params, message) => {
    expect(() => aThrift().action.prepare(new Map(Object.entries(params)))).toThrow(message);
  });
});

describe('an answer', () => {
  test('that comes byte by byte is read as any other', async () => {
    const server = await aServer((socket) => {
      const bytes = [...returns];
      const next = (): void => {
        const byte = bytes.shift();
        if (byte !== undefined) socket.write(Buffer.from([byte]), () => setImmediate(next));
      };
      next();
      return undefined;
    });
    const { call } = aThrift();
    expect([await call(server.port), await call(server.port)]).toEqual([done, done]);
  });

  test('with a value, to a contract that returns one, is done', async () => {
    const withValue = { ...method, result: struct({ success: field(0, text) }) };
    const reply = written((writer) => writeReply(writer, header, withValue, { success: 'ok' }));
    const server = await aServer(() => reply);
    expect(await aThrift().call(server.port)).toEqual(done);
  });

  test('with all that another contract may return is done', async () => {
    const many = { ...method, result: struct({ success: field(0, textList) }) };
    const success = Array.from({ length: 9_000 }, () => '');
    const begun = [...returns.subarray(0, -1)];
    const structs = Array.from({ length: 12 }, () => [12, 0, 0]).flat();
    const ends = structs.filter((byte) => byte === 12).map(() => 0);
    for (const reply of [
      written((writer) => writeReply(writer, header, many, { success })),
      Buffer.from([...begun, ...structs, ...ends, 0]),
    ]) {
      const server = await aServer(() => reply);
      expect(await aThrift().call(server.port)).toEqual(done);
    }
  });

  test('with an exception that its contract declares is a refusal', async () => {
    const declared = struct({ why: field(1, struct({ message: field(1, text) })) });
    const reply = written((writer) =>
      writeReply(writer, header, { ...method, result: declared }, { why: { message: 'secret' } }),
    );
    const server = await aServer(() => reply);
    expect(await aThrift().call(server.port)).toEqual({
      kind: 'failed',
      reason: `refused by thrift:127.0.0.1:${server.port}: an exception that its own contract declares`,
    });
  });

  test('with a TApplicationException of any text is a refusal that quotes its type alone', async () => {
    const message = written((writer) => writeException(writer, header, 1, 'XXXX'));
    const notUtf8 = Buffer.from(
      message.toString('latin1').replace('XXXX', '\xff\xfe\x00\x80'),
      'latin1',
    );
    for (const reply of [message, notUtf8]) {
      const server = await aServer(() => reply);
      expect(await aThrift().call(server.port)).toEqual({
        kind: 'failed',
        reason: `refused by thrift:127.0.0.1:${server.port}: TApplicationException 1`,
      });
    }
  });

  const oldStyle = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('forsun_call'),
    Buffer.from([2, 0, 0, 0, 0, 0]),
  ]);
  const another = { ...header, name: 'ping' };
  test.each([
    ['of another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    [
      'in the compact protocol, not asked for',
      written((w) => writeReply(w, header, method, {}), compact),
    ],
    ['in a frame, not asked for', framed(returns)],
    ['with an old-style header', oldStyle],
    ['to another method', written((w) => writeReply(w, another, method, {}))],
    ['to another sequence id', written((w) => writeReply(w, { ...header, seqid: 1 }, method, {}))],
    ['that is a call', written((w) => writeCall(w, header, method, {}))],
    ['with another behind it', Buffer.concat([returns, returns])],
    ['of a type there is not', Buffer.concat([returns.subarray(0, -1), Buffer.from([77, 0, 1])])],
    [
      'with a string of 300 MB',
      Buffer.concat([returns.subarray(0, -1), Buffer.from('\x0b\0\0\x12\0\0\0', 'latin1')]),
    ],
  ])('%s is none, and is tried again', async (_, reply) => {
    const server = await aServer(() => reply);
    expect(await aThrift().call(server.port)).toEqual(noReply(server.port));
    await until(() => server.openConnections === 0);
  });

  test.each([
    ['of an unlimited frame', {}, Buffer.from([0x7f, 0xff, 0xff, 0xff])],
    ['of an empty frame', {}, Buffer.from([0, 0, 0, 0])],
    ['of a frame that ends too soon', {}, framed(returns.subarray(0, -1))],
    ['of a frame with more in it', {}, framed(Buffer.concat([returns, Buffer.from([0])]))],
    ['without its frame', {}, returns],
  ])('%s is none to who asked for frames', async (_, __, reply) => {
    const server = await aServer(() => reply);
    expect(await aThrift().call(server.port, { framed: 'true' })).toEqual(noReply(server.port));
  });

  test('of 300 MB is cut off, not kept, and not asked for again', async () => {
    let sent = 0;
    const list = Buffer.concat([
      returns.subarray(0, -1),
      Buffer.from('\x0f\0\0\x0b\0\0\x0f\xff', 'latin1'),
    ]);
    const entry = Buffer.concat([Buffer.from([0, 1, 0, 0]), Buffer.alloc(65_536)]);
    const server = await aServer((socket) => {
      const more = (error?: Error | null): void => {
        sent += entry.length;
        if (!error && sent < 3e8) socket.write(entry, more);
      };
      socket.write(list, more);
      return undefined;
    });
    expect(await aThrift().call(server.port)).toEqual({
      kind: 'failed',
      reason: `the answer of thrift:127.0.0.1:${server.port} is longer than 65536 bytes`,
    });
    await until(() => server.openConnections === 0);
    expect(sent).toBeLessThan(1e8);
  });

  test('of any other bytes settles the run, and not as done', async () => {
    let reply: Uint8Array = Buffer.alloc(0);
    const server = await aServer((socket) => {
      socket.end(reply);
      return undefined;
    });
    const { call } = aThrift();
    const mutated = fc
      .tuple(fc.nat(returns.length - 1), fc.nat(255))
      .map(([at, byte]) => Buffer.from(returns).fill(byte, at, at + 1));
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, fc.uint8Array({ maxLength: 100 })), async (bytes) => {
        reply = bytes;
        const { kind } = await call(server.port);
        expect(kind === 'done').toBe(Buffer.from(bytes).equals(returns));
        // The next one shall not meet a connection that is about to end.
        await until(() => server.openConnections === 0);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a connection', () => {
  test.each([
    ['before anything is answered', Buffer.alloc(0)],
    ['within the answer', returns.subarray(0, 10)],
  ])('that is cut %s gives no answer', async (_, part) => {
    const server = await aServer((socket) => {
      socket.end(part);
      return undefined;
    });
    expect(await aThrift().call(server.port)).toEqual({
      kind: 'retry',
      reason: `no answer from thrift:127.0.0.1:${server.port}: the connection was closed`,
    });
  });

  test('that cannot be made gives no answer', async () => {
    const port = await freePort();
    expect(await aThrift().call(port)).toEqual({
      kind: 'retry',
      reason: `no answer from thrift:127.0.0.1:${port}: ECONNREFUSED`,
    });
  });

  test('that is reset while idle is replaced', async () => {
    const sockets: Socket[] = [];
    const server = await aServer((socket) => {
      sockets.push(socket);
      return returns;
    });
    const { call } = aThrift();
    await call(server.port);
    sockets[0]?.resetAndDestroy();
    await until(() => server.openConnections === 0);
    // The reset has been noticed here once a turn of the loop has passed with nothing left to read.
    await new Promise(setImmediate);
    expect(await call(server.port)).toEqual(done);
    expect(new Set(sockets)).toHaveProperty('size', 2);
  });

  test.each([
    ['never answers', (socket: Socket) => void socket.resume()],
    ['never reads', (socket: Socket) => void socket.pause()],
  ])('to a server that %s ends with its run, at once', async (_, serve) => {
    const server = await RawServer.open(serve);
    onTestFinished(() => server.close());
    const cut = new AbortController();
    const { call } = aThrift();
    const long = { x: 'x'.repeat(4_000_000) };
    const run = call(server.port, long, { signal: cut.signal });
    await until(() => server.openConnections === 1);
    cut.abort(new Error('the deadline'));
    expect(await run).toMatchObject({ kind: 'retry' });
  });

  test('is used again by plans of its server and dialect, and by no others', async () => {
    const server = await aServer(() => returns);
    const { action } = aThrift();
    const dialects = [{}, { framed: 'true' }, { protocol: 'compact' }, {}];
    // None is answered but those of the first dialect: the others wait on connections of their own.
    const cut = new AbortController();
    const runs = dialects.map((dialect) =>
      action
        .prepare(new Map(Object.entries({ port: String(server.port), ...dialect })))
        .run(aRun({ signal: cut.signal })),
    );
    expect(await Promise.all(runs)).toMatchObject([
      { kind: 'done' },
      { kind: 'retry' },
      { kind: 'retry' },
      { kind: 'done' },
    ]);
    await until(() => server.openConnections === 2);
    await fire(action, { port: String(server.port), max_connections: '1' });
    expect(server.openConnections).toBe(2);
  });

  test('that has been idle for its time is ended', async () => {
    const server = await aServer(() => returns);
    const clock = new FakeClock();
    const { call } = aThrift({ idleSeconds: 10 }, clock);
    await call(server.port);
    await clock.advance(9);
    expect(server.openConnections).toBe(1);
    await clock.advance(1);
    await until(() => server.openConnections === 0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('is ended at the close', async () => {
    const server = await aServer(() => returns);
    const { action, call } = aThrift();
    await call(server.port);
    await action.close?.();
    await until(() => server.openConnections === 0);
  });
});

test('a plan may limit the calls to its server', () => {
  const { action } = aThrift();
  const prepare = (params: Record<string, string>) =>
    action.prepare(new Map(Object.entries({ host: '::1', ...params })));
  expect(prepare({})).toMatchObject({ origin: 'thrift:[::1]:5643' });
  expect(prepare({})).not.toHaveProperty('maxRuns');
  expect(prepare({ max_connections: '3' })).toMatchObject({ maxRuns: 3 });
});
