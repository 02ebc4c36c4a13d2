import fc from 'fast-check';
import Int64 from 'node-int64';
import thrift from 'thrift';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ForsunClient, type ForsunClientOptions } from '../../src/client/forsun-client.ts';
import { generatedTypes } from '../../src/client/generated.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { T0 } from '../support/plans.ts';
import { startRawServer, startStockServer, type StockServer } from '../support/stock-server.ts';

const cleanUps: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function connect(port: number, options: ForsunClientOptions = {}): ForsunClient {
  const client = new ForsunClient({ port, ...options });
  cleanUps.push(() => client.close());
  return client;
}

describe('against a server that answers', () => {
  let server: StockServer;
  let client: ForsunClient;

  beforeEach(async () => {
    server = await startStockServer();
    cleanUps.push(server.close);
    client = connect(server.port);
  });

  test('a plan comes back as it was made, with true times and its unset fields absent', async () => {
    const made = await client.createTimeout({
      key: 'k',
      second: 5,
      count: 2,
      params: { cmd: 'ls' },
    });
    expect(made).toEqual({
      key: 'k',
      kind: 'interval',
      second: 5,
      count: 2,
      firedCount: 0,
      status: 0,
      action: 'shell',
      params: new Map([['cmd', 'ls']]),
      nextFireTime: T0 + 5,
      createdTime: T0,
      running: 0,
    });
    expect(await client.get('k')).toEqual(made);
    expect(await client.getTime(T0 + 5)).toEqual([made]);
    expect(await client.remove('k')).toEqual(made);
    expect(await client.getKeys()).toEqual([]);
  });

  test('a calendar plan leaves what is absent to the server', async () => {
    const made = await client.create({ second: 0, hour: 16, action: 'http', params: new Map() });
    expect(made).toMatchObject({
      key: 'generated',
      kind: 'calendar',
      second: 0,
      hour: 16,
      count: 0,
    });
    expect(made.minute).toBeUndefined();
    expect(await client.getCurrent()).toEqual([made]);
  });

  test('ping and info answer', async () => {
    await client.ping();
    expect([...(await client.info())]).toEqual([
      ['forsun_version', '0.0'],
      ['plan_count', '0'],
    ]);
  });

  test('failures come as they are kept, with times that no 32 bits hold', async () => {
    const failure = (key: string) => ({
      ...{ key, action: 'http', attempts: 4, reason: 'no answer\n🚀' },
      ...{ fireTime: 2 ** 40, failedAt: 2 ** 40 + 30 },
    });
    for (const key of ['a1', 'b', 'a2']) {
      const { fireTime, failedAt, ...rest } = failure(key);
      const times = { fire_time: new Int64(fireTime), failed_at: new Int64(failedAt) };
      server.failures.push(new generatedTypes.ForsunFailure({ ...rest, ...times }));
    }
    expect(await client.getFailures()).toEqual(['a1', 'b', 'a2'].map(failure));
    expect(await client.getFailures('a', 1)).toEqual([failure('a1')]);
    for (const limit of [0, 10_001, 1.5]) {
      await expect(client.getFailures('', limit)).rejects.toMatchObject({ code: 1007 });
    }
  });

  test('a refusal is a ForsunPlanError with its code, and the connection lives', async () => {
    await expect(client.get('nope')).rejects.toMatchObject({
      name: 'ForsunPlanError',
      code: 1003,
      message: 'no plan has the key "nope"',
    });
    await expect(client.create({ action: 'bogus' })).rejects.toMatchObject({ code: 1006 });
    expect(server.connectionCount()).toBe(1);
  });

  test('every param comes back, whatever its name, in its order', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('__proto__', 'hasOwnProperty', 'constructor', 'toString', '1', '', '='),
    );
    const pairs = fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name });
    await fc.assert(
      fc.asyncProperty(pairs, async (entries) => {
        const { params } = await client.create({ key: 'k', params: new Map(entries) });
        expect([...params]).toEqual(entries);
      }),
      { numRuns: 50 },
    );
  });

  test('calls that overlap each get their own reply', async () => {
    const keys = Array.from({ length: 500 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => client.createTimeout({ key, second: 1 })));
    const plans = await Promise.all(keys.map((key) => client.get(key)));
    expect(plans.map((plan) => plan.key)).toEqual(keys);
    expect(server.connectionCount()).toBe(1);
  });

  test('what would wrap around or break the connection is refused before it is sent', async () => {
    await expect(client.create({ second: 40_000 })).rejects.toMatchObject({
      code: 1002,
      message: 'second is a whole number from -32768 to 32767, not 40000',
    });
    await expect(client.createTimeout({ second: 1, count: 1.5 })).rejects.toMatchObject({
      code: 1007,
    });
    await expect(client.getTime(2 ** 31)).rejects.toMatchObject({ code: 1007 });
    await expect(client.create({ key: 'a\ud800' })).rejects.toMatchObject({ code: 1007 });
    const wrong = { params: { cmd: 5 as unknown as string } };
    await expect(client.create(wrong)).rejects.toThrow('param cmd is a string, not number');
    await client.ping();
  });

  test('a connection that the server ends fails the calls in flight, and the next call has a new one', async () => {
    await client.ping();
    const lost = client.ping();
    server.drop();
    await expect(lost).rejects.toMatchObject({ name: 'ForsunConnectionError', trouble: 'lost' });
    await client.ping();
    expect(server.connectionCount()).toBe(2);
  });

  test('a closed client refuses calls', async () => {
    const underWay = client.ping();
    client.close();
    await expect(underWay).rejects.toMatchObject({ trouble: 'closed' });
    await expect(client.ping()).rejects.toMatchObject({ trouble: 'closed' });
  });
});

describe('against a server that does not', () => {
  test('nobody there: the call is rejected with the address and why', async () => {
    const server = await startRawServer(() => undefined);
    await server.close();
    await expect(connect(server.port).ping()).rejects.toMatchObject({
      trouble: 'unreachable',
      message: `cannot reach forsund at 127.0.0.1:${server.port}: connection refused`,
    });
  });

  test('a call without a reply ends when its time is over, and takes the connection with it', async () => {
    const clock = new FakeClock();
    let accepted = 0;
    let arrived = 0;
    const server = await startRawServer((socket) => {
      accepted++;
      socket.on('data', () => arrived++);
    });
    cleanUps.push(server.close);
    const client = connect(server.port, { clock, timeoutMs: 10_000, maxWaitingCalls: 2 });
    const first = client.ping();
    const second = client.ping();
    await expect(client.ping()).rejects.toMatchObject({ trouble: 'full' });
    await expect.poll(() => arrived).toBeGreaterThan(0);
    await Promise.all([
      expect(first).rejects.toMatchObject({ trouble: 'timeout' }),
      expect(second).rejects.toMatchObject({ trouble: 'timeout' }),
      clock.advance(10),
    ]);
    void client.ping().catch(() => undefined);
    await expect.poll(() => accepted).toBe(2);
  });

  test.each<[string, Buffer, string]>([
    [
      'words',
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'a strict binary header was expected',
    ],
    ['a huge string', Buffer.from('800100027fffffff70', 'hex'), 'not 2147483647'],
    ['a reply to another method', reply('nothing'), 'a reply to "nothing"'],
    [
      'an unknown type',
      Buffer.from('800100020000000470696e6700000001090000', 'hex'),
      'there is no type 9',
    ],
    [
      'an exception before it closes',
      exception('peer 10.0.0.9 is not trusted'),
      'peer 10.0.0.9 is not trusted',
    ],
  ])('%s instead of a reply ends the connection and says so', async (_what, bytes, message) => {
    const server = await startRawServer((socket) => socket.once('data', () => socket.write(bytes)));
    cleanUps.push(server.close);
    const call = connect(server.port).ping();
    await expect(call).rejects.toMatchObject({ trouble: 'lost' });
    await expect(call).rejects.toThrow(message);
  });

  test('half a reply and an end of the connection fail the call', async () => {
    const server = await startRawServer((socket) =>
      socket.once('data', () => socket.end(Buffer.from('8001000200000004', 'hex'))),
    );
    cleanUps.push(server.close);
    await expect(connect(server.port).ping()).rejects.toThrow('the server closed it');
  });
});

/** A whole message with no content of ours. */
function message(
  type: thrift.Thrift.MessageType,
  write: (output: thrift.TBinaryProtocol) => void,
  name = '',
): Buffer {
  let bytes: Buffer | undefined;
  const transport = new thrift.TBufferedTransport(undefined, (out) => (bytes = out));
  const output = new thrift.TBinaryProtocol(transport);
  output.writeMessageBegin(name, type, 0);
  write(output);
  output.writeMessageEnd();
  transport.flush();
  return bytes!;
}

function reply(name: string): Buffer {
  return message(thrift.Thrift.MessageType.REPLY, (output) => output.writeFieldStop(), name);
}

function exception(text: string): Buffer {
  return message(thrift.Thrift.MessageType.EXCEPTION, (output) =>
    new thrift.Thrift.TApplicationException(
      thrift.Thrift.TApplicationExceptionType.UNKNOWN,
      text,
    ).write(output),
  );
}
