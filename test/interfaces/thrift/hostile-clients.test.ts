import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, describe, expect, test } from 'vitest';

import type { ThriftDependencies, ThriftOptions } from '../../../src/interfaces/thrift/server.ts';
import { binary } from '../../../src/wire/binary.ts';
import type { WireWriter } from '../../../src/wire/protocol.ts';
import { WireCode } from '../../../src/wire/wire-code.ts';
import { eventually } from '../../support/eventually.ts';
import { RawClient } from '../../support/raw-client.ts';
import { openThriftDoor } from '../../support/thrift-door.ts';
import { WireClient } from '../../support/wire-client.ts';
import { dialects, nameOf, written, writtenIn } from '../../support/wire-oracle.ts';

type Door = Awaited<ReturnType<typeof openThriftDoor>>;

let door: Door;
const clients: RawClient[] = [];

const open = async (
  options: Partial<ThriftOptions> = {},
  overrides: Partial<ThriftDependencies> = {},
): Promise<void> => {
  door = await openThriftDoor(overrides, options);
};

function raw(): RawClient {
  const client = new RawClient(door.address.port);
  clients.push(client);
  return client;
}

function wire(...dialect: [ConstructorParameters<typeof WireClient>[1]?]): WireClient {
  const client = new WireClient(door.address.port, ...dialect);
  clients.push(client);
  return client;
}

/** Another client, served at once whatever the hostile one does. */
async function expectAlive(): Promise<void> {
  expect(await wire().call('ping')).toMatchObject({ result: { success: 0 } });
}

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const ping = '800100010000000470696e670000000700';

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await door.close();
});

describe('T1: garbage and resets', () => {
  test.each(['deadbeef0102', '474554202f', '0000000470696e67', '7fffffff', 'ffffffff80010001'])(
    'T1: %s closes its own connection and nothing else',
    async (garbage) => {
      await open();
      const hostile = raw();
      hostile.send(garbage);
      await hostile.closed;
      expect(hostile.received).toHaveLength(0);
      expect(door.counters.value('protocol_errors_count')).toBe(1);
      await expectAlive();
    },
  );

  test('T1: a reset at any byte of a call, or while replies wait, is harmless', async () => {
    await open();
    const call = wire().encode('create', { key: 'a', second: 1, params: new Map([['cmd', 'x']]) });
    for (let length = 0; length <= call.length; length++) {
      const hostile = raw();
      await new Promise((resolve) => hostile.socket.once('connect', resolve));
      hostile.send(Buffer.concat([call, call, call.subarray(0, length)]));
      hostile.socket.resetAndDestroy();
    }
    await expectAlive();
    await eventually(() => door.counters.value('connecting_count') === 2);
    expect(door.counters.value('requesting_count')).toBe(0);
  });
});

test('T2: who sends garbage and keeps his half open is gone all the same', async () => {
  await open();
  const hostile = Array.from({ length: 50 }, () => raw());
  for (const { socket } of hostile) socket.removeAllListeners('end');
  for (const client of hostile) client.send('deadbeef0102');
  await eventually(() => door.counters.value('connected_count') === hostile.length);
  await eventually(() => door.counters.value('connecting_count') === 0);
});

test('T3: a large message in many packets costs its bytes, not their square', async () => {
  await open();
  const client = wire();
  const params = new Map(Array.from({ length: 4_000 }, (_, i) => [`name-${i}`, 'x'.repeat(900)]));
  const call = client.encode('create', { key: 'large', second: 1, params });
  expect(call.length).toBeGreaterThan(3_500_000);
  const before = process.cpuUsage();
  for (let at = 0; at < call.length; at += 1_000) client.send(call.subarray(at, at + 1_000));
  expect(await client.reply()).toMatchObject({ result: { success: { key: 'large', params } } });
  const { user, system } = process.cpuUsage(before);
  expect(user + system).toBeLessThan(10_000_000); // stock: a minute and more
});

test('T4: the last bytes of a large message, one by one, cost what one byte costs', async () => {
  await open();
  const client = wire();
  const params = new Map(Array.from({ length: 3_000 }, (_, i) => [`name-${i}`, 'x'.repeat(700)]));
  const call = client.encode('create', { key: 'slow', second: 1, params });
  const tail = 200;
  client.send(call.subarray(0, -tail));
  for (let at = call.length - tail; at < call.length; at++) {
    client.send(call.subarray(at, at + 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await client.reply()).toMatchObject({ result: { success: { key: 'slow' } } });
});

test('T5: a client that does not take its replies is not served further, then cut', async () => {
  await open();
  const client = wire();
  const params = new Map([['body', 'x'.repeat(100_000)]]);
  await client.call('create', { key: 'large', second: 1, params });
  client.socket.pause();
  const get = client.encode('get', { key: 'large' });
  client.send(Buffer.concat(Array.from({ length: 2_000 }, () => get)));
  await eventually(() => door.counters.value('requested_count') > 10);
  await sleep(100);
  // 2,000 replies are 200 MB: only what the sockets and 128 calls hold was made.
  expect(door.counters.value('requested_count')).toBeLessThan(500);
  for (let second = 0; second < 32; second++) await door.clock.advance(1);
  await eventually(() => door.counters.value('connecting_count') === 0);
});

describe('T6: unfinished strings', () => {
  test('T6: a string that announces more than it may is refused before it comes', async () => {
    await open();
    const client = wire();
    client.send(stringCall(60_000_000));
    expect(await client.reply()).toMatchObject({ exception: { type: 7 } });
    await client.closed;
    await expectAlive();
  });

  test('T6: what all connections leave unfinished together is bounded', async () => {
    await open({ heldBytes: 2_000_000 });
    const unfinished = Buffer.concat([stringCall(1_000_000), Buffer.alloc(300_000, 0x78)]);
    const hostile = Array.from({ length: 20 }, () => raw());
    for (const client of hostile) client.send(unfinished);
    await eventually(() => door.counters.value('connecting_count') < 10);
    await expectAlive();
  });

  const stringCall = (length: number): Buffer =>
    written(binary, (writer) => {
      writer.writeHeader({ name: 'get', type: 1, seqid: 1 });
      writer.structBegin();
      writer.fieldBegin(WireCode.text, 1);
      writer.writeI32(length);
    });
});

test('T7: a frame, map or list that announces too much is refused before it comes', async () => {
  await open();
  const frame = raw();
  frame.send('01000000800100');
  await frame.closed;

  const map = wire();
  map.send(
    written(binary, (writer) => {
      writer.writeHeader({ name: 'create', type: 1, seqid: 1 });
      writer.structBegin();
      writer.fieldBegin(WireCode.map, 9);
      writer.mapBegin(WireCode.text, WireCode.text, 1_000_000);
    }),
  );
  expect(await map.reply()).toMatchObject({ seqid: 1, exception: { type: 7 } });
  await map.closed;
  await expectAlive();
});

describe('T8: what is not a whole message of a known dialect', () => {
  test.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n').toString('hex')],
    ['an old header without a version', '0000000470696e67010000000000'],
    ['a size of 2^31 - 1', '7fffffff80010001'],
    ['an empty frame', '0000000080010001'],
  ])('T8: %s is closed, not left to hang', async (_, hex) => {
    await open();
    const hostile = raw();
    hostile.send(hex);
    await hostile.closed;
    expect(hostile.received).toHaveLength(0);
    await expectAlive();
  });

  test.each([
    ['ends before its message', `00000010${ping.slice(0, 32)}`],
    ['goes on behind its message', `00000012${ping}00`],
  ])('T8: a frame that %s is told so and closed', async (_, hex) => {
    await open();
    const hostile = wire({ protocol: binary, framed: true });
    hostile.send(hex);
    expect(await hostile.reply()).toMatchObject({ name: 'ping', exception: { type: 7 } });
    await hostile.closed;
    await expectAlive();
  });

  test('T8: a message that does not become whole is closed in its time', async () => {
    await open();
    const slow = raw();
    const half = raw();
    const idle = wire();
    await idle.call('ping');
    slow.send(ping + ping.slice(0, 20)); // who is answered has been read behind it, too
    half.send('00');
    await slow.receive(22);
    await eventually(() => door.counters.value('connecting_count') === 3);
    for (let second = 0; second < 9; second++) await door.clock.advance(1);
    slow.send(ping.slice(20, 22)); // a byte more does not prolong it
    await sleep(20);
    for (let second = 0; second < 3; second++) await door.clock.advance(1);
    await slow.closed;
    for (let second = 0; second < 12; second++) await door.clock.advance(1);
    await half.closed;
    expect(await idle.call('ping')).toMatchObject({ result: { success: 0 } });
  });

  test('T8: a connection that is idle between messages stays, whatever its age', async () => {
    await open();
    const idle = wire();
    await idle.call('ping');
    await door.clock.advance(30 * 86_400);
    expect(await idle.call('ping')).toMatchObject({ result: { success: 0 } });
  });
});

describe.each(dialects.map((dialect) => [nameOf(dialect), dialect] as const))(
  '%s',
  (_, dialect) => {
    test('T9, T10: any name of a param comes back as it went, and harms nobody', async () => {
      await open();
      const client = wire(dialect);
      const names = [
        'hasOwnProperty',
        '__proto__',
        'constructor',
        'toString',
        'length',
        '0',
        '',
        'é\0\n',
      ];
      const params = new Map(names.map((name) => [name, `value of ${name}`]));
      const made = await client.call('create', { key: 'names', second: 1, params });
      expect(made).toMatchObject({ result: { success: { params } } });
      const got = await client.call('get', { key: 'names' });
      expect(paramNames(got)).toEqual(names);
      const all = await client.call('getCurrent');
      expect(all).toMatchObject({ result: { success: [{ params }] } });
      expect(({} as Record<string, unknown>)['value of __proto__']).toBeUndefined();
    });

    test('T11: text that is not UTF-8 is refused, so no two keys become one', async () => {
      await open();
      const client = wire(dialect);
      const withKey = (lastByte: number): Buffer => {
        const call = client.encode('create', { key: 'k\u007f', second: 1 });
        call[call.indexOf(0x7f)] = lastByte;
        return call;
      };
      client.send(withKey(0xff));
      expect(await client.reply()).toMatchObject({ result: { err: { code: 1007 } } });
      client.send(withKey(0xfe));
      expect(await client.reply()).toMatchObject({ result: { err: { code: 1007 } } });
      const key = 'k\ufffd';
      await client.call('create', { key, second: 1 });
      expect(await client.call('getKeys', { prefix: '' })).toMatchObject({
        result: { success: [key] },
      });
    });

    test.each([2, 3])(
      'T12: a message of type %i is no call: the connection is closed',
      async (type) => {
        await open();
        const hostile = wire(dialect);
        hostile.send(
          writtenIn(dialect, (writer) => {
            writer.writeHeader({ name: 'ping', type, seqid: 1 });
            emptyStruct(writer);
          }),
        );
        await hostile.closed;
        expect(hostile.received).toHaveLength(0);
        await expectAlive();
      },
    );

    test('T12: an unknown method is told, its name escaped and cut, and the connection lives', async () => {
      await open();
      const client = wire(dialect);
      const unknown = (name: string): Buffer =>
        writtenIn(dialect, (writer) => {
          writer.writeHeader({ name, type: 1, seqid: 9 });
          emptyStruct(writer);
        });
      client.send(unknown('nope'));
      expect(await client.reply()).toEqual({
        name: 'nope',
        seqid: 9,
        exception: { type: 1, message: 'Unknown function nope' },
      });
      client.send(unknown('a\r\n\u001b[31m'));
      expect(await client.reply()).toMatchObject({
        exception: { message: 'Unknown function a\\u000d\\u000a\\u001b[31m' },
      });
      expect(await client.call('ping')).toMatchObject({ result: { success: 0 } });
    });
  },
);

test('T12: a message of a type that Thrift has not closes its connection', async () => {
  await open();
  const hostile = raw();
  hostile.send(bytes('800100630000000470696e670000000700'));
  await hostile.closed;
  expect(hostile.received).toHaveLength(0);
});

function emptyStruct(writer: WireWriter): void {
  writer.structBegin();
  writer.structEnd();
}

function paramNames(reply: Awaited<ReturnType<WireClient['call']>>): readonly string[] {
  if (!('result' in reply)) throw new TypeError('a result was expected');
  const { params } = reply.result['success'] as { params: ReadonlyMap<string, string> };
  return [...params.keys()];
}
