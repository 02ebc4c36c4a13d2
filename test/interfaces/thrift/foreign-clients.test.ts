import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

import thrift from 'thrift';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { generated, type GeneratedClient } from '../../../src/client/generated.ts';
import { T0 } from '../../support/plans.ts';
import { openThriftDoor } from '../../support/thrift-door.ts';

let door: Awaited<ReturnType<typeof openThriftDoor>>;

beforeEach(async () => {
  door = await openThriftDoor();
});

afterEach(async () => {
  await door.close();
});

const params = { cmd: 'true', note: 'ünïcode ✓ 😀' };

const combinations = ['buffered', 'framed'].flatMap((transport) =>
  ['binary', 'compact'].map((encoding) => [transport, encoding] as const),
);

describe.each(combinations)('%s %s', (transport, encoding) => {
  test("Debian's Python client is served", async () => {
    const script = new URL('../../support/forsun_client.py', import.meta.url).pathname;
    const args = [script, String(door.address.port), transport, encoding];
    const { stdout } = await promisify(execFile)('/usr/bin/python3', args, { timeout: 25_000 });
    const [second, minute, hour] = [5, -1, -1];
    const a = planFields({
      isTimeOut: true,
      key: 'a',
      second,
      minute,
      hour,
      count: 1,
      due: T0 + 5,
    });
    const c = planFields({
      isTimeOut: false,
      key: 'c',
      second: 0,
      minute: 32,
      hour: 16,
      count: 0,
      due: T0 + 1_920,
    });
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      ['ping', { 0: 0 }],
      ['createTimeout', { 0: a }],
      ['create', { 0: c }],
      ['get', { 0: a }],
      ['getTime', { 0: [a] }],
      ['getCurrent', { 0: [a, c] }],
      ['getKeys', { 0: ['a', 'c'] }],
      ['remove', { 0: a }],
      ['get', { 1: { 1: 1003, 2: 'no plan has the key "a"' } }],
      ['info', { 0: { forsun_version: '0.1.0' } }],
      ['forsun_call', { exception: 6, message: expect.stringContaining('forsun_call') as string }],
      ['nope', { exception: 1, message: 'Unknown function nope' }],
    ]);
  });

  test("the thrift package's Node client is served", async () => {
    await withNodeClient(transport, encoding, async (client) => {
      expect(await client.ping()).toBe(0);
      const made = await client.createTimeout('a', 5, -1, -1, -1, -1, -1, 1, 'shell', params);
      expect(made).toMatchObject({ is_time_out: true, key: 'a', next_time: T0 + 5, params });
      expect(Number(made.next_fire_time)).toBe(T0 + 5);
      await client.create('c', 0, 32, 16, -1, -1, -1, 'shell', params);
      expect(await client.get('c')).toMatchObject({ is_time_out: false, minute: 32, count: 0 });
      expect(await client.getTime(T0 + 5)).toMatchObject([{ key: 'a' }]);
      expect(await client.getCurrent()).toMatchObject([{ key: 'a' }, { key: 'c' }]);
      expect(await client.getKeys('c*')).toEqual(['c']);
      expect(await client.remove('a')).toMatchObject({ key: 'a', params });
      await expect(client.get('a')).rejects.toMatchObject({ code: 1003 });
      expect(await client.info()).toEqual({ forsun_version: '0.1.0' });
      await expect(client.forsun_call('a', 1, {})).rejects.toMatchObject({ type: 6 });
    });
  });

  test("the thrift package's Node client has its calls answered side by side", async () => {
    await withNodeClient(transport, encoding, async (client) => {
      const made = await Promise.all(
        Array.from({ length: 300 }, (_, i) =>
          client.createTimeout(`k${i}`, 5, -1, -1, -1, -1, -1, 1, 'shell', params),
        ),
      );
      expect(made.map(({ key }) => key)).toEqual(made.map((_, i) => `k${i}`));
    });
  });
});

interface Expected {
  readonly isTimeOut: boolean;
  readonly key: string;
  readonly second: number;
  readonly minute: number;
  readonly hour: number;
  readonly count: number;
  readonly due: number;
}

/** A plan that has not fired, by field ids. */
const planFields = ({ isTimeOut, key, second, minute, hour, count, due }: Expected): object => ({
  ...{ 1: isTimeOut, 2: key, 3: second, 4: minute, 5: hour, 6: -1, 7: -1, 8: -1 },
  ...{ 9: due, 10: 0, 11: count, 12: 0, 13: 0, 14: 'shell', 15: params },
  ...{ 16: due, 18: T0, 19: 0, 20: 0 },
  ...(isTimeOut ? {} : { 21: 'UTC' }),
});

async function withNodeClient(
  transport: string,
  encoding: string,
  use: (client: GeneratedClient) => Promise<void>,
): Promise<void> {
  const connection = thrift.createConnection('127.0.0.1', door.address.port, {
    transport: transport === 'framed' ? thrift.TFramedTransport : thrift.TBufferedTransport,
    protocol: encoding === 'compact' ? thrift.TCompactProtocol : thrift.TBinaryProtocol,
  });
  try {
    await use(thrift.createClient<GeneratedClient>(generated.Client, connection));
  } finally {
    connection.end();
    await once(connection.connection, 'close');
  }
}
