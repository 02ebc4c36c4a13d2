import { writeFile } from 'node:fs/promises';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { Counters } from '../../../src/metrics/counters.ts';
import { aTokenFile, type GivenTokens } from '../../support/token-file.ts';
import { openThriftDoor, anAccess } from '../../support/thrift-door.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { WireClient } from '../../support/wire-client.ts';
import { dialects, nameOf } from '../../support/wire-oracle.ts';

let given: GivenTokens<'reader' | 'writer' | 'orders'>;
let door: Awaited<ReturnType<typeof openThriftDoor>>;
let log: RecordedLog;
const clients: WireClient[] = [];

beforeEach(async () => {
  given = await aTokenFile({
    reader: { role: 'read' },
    writer: { role: 'write' },
    orders: { role: 'write', prefix: 'order-', actions: ['http'] },
  });
  log = new RecordedLog();
  const counters = new Counters();
  const access = anAccess({ tokens: given.tokens, anonymousRole: 'none' }, { log, counters });
  door = await openThriftDoor({ access, log, counters });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await door.close();
});

function connect(...dialect: [ConstructorParameters<typeof WireClient>[1]?]): WireClient {
  const client = new WireClient(door.address.port, ...dialect);
  clients.push(client);
  return client;
}

const none = expect.stringMatching(/^the token is none of this server/) as unknown;
const refused = (message: unknown) => ({ result: { err: { code: 1010, message } } });
const excepted = (message: unknown) => ({ exception: { type: 6, message } });

describe.each(dialects.map((dialect) => [nameOf(dialect), dialect] as const))(
  '%s',
  (_, dialect) => {
    test('a connection is whoever its token stands for, from auth on', async () => {
      const client = connect(dialect);
      expect(await client.call('get', { key: 'k' })).toMatchObject(
        refused(expect.stringContaining('needs a token')),
      );
      expect(await client.call('auth', { token: given.of.writer })).toMatchObject({
        name: 'auth',
        result: { success: 'writer' },
      });
      expect(await client.call('createTimeout', { key: 'k', second: 5 })).toMatchObject({
        result: { success: { key: 'k' } },
      });
      expect(await client.call('auth', { token: given.of.reader })).toMatchObject({
        result: { success: 'reader' },
      });
      expect(await client.call('remove', { key: 'k' })).toMatchObject(
        refused('reader has the role read, this takes write'),
      );
    });

    test('to restore a plan takes what to make it does, to list keys what to read them does', async () => {
      const client = connect(dialect);
      const plan = { key: 'k', is_time_out: true, second: 5, next_fire_time: 1, action: 'shell' };
      client.token = given.of.reader;
      expect(await client.call('restore', { plan })).toMatchObject(
        refused('reader has the role read, this takes write'),
      );
      client.token = given.of.orders;
      expect(await client.call('restore', { plan })).toMatchObject(
        refused('orders is kept to keys that begin with "order-", "k" came'),
      );
      expect(await client.call('restore', { plan: { ...plan, key: 'order-1' } })).toMatchObject(
        refused('orders may make plans of http, "shell" came'),
      );
      expect(
        await client.call('restore', { plan: { ...plan, key: 'order-1', action: 'http' } }),
      ).toMatchObject({ result: { success: { key: 'order-1' } } });
      expect(await client.call('listKeys', { prefix: 'orde' })).toMatchObject(
        refused('orders is kept to keys that begin with "order-", "orde" came'),
      );
      expect(await client.call('listKeys', { prefix: 'order-' })).toMatchObject({
        result: { success: ['order-1'] },
      });
    });

    test('a call is whoever the service stands for that it names', async () => {
      const client = connect(dialect);
      client.token = given.of.writer;
      expect(await client.call('createTimeout', { key: 'k', second: 5 })).toMatchObject({
        name: 'createTimeout',
        result: { success: { key: 'k' } },
      });
      client.token = given.of.reader;
      expect(await client.call('getKeys', { prefix: '' })).toMatchObject({
        name: 'getKeys',
        result: { success: ['k'] },
      });
      expect(await client.call('remove', { key: 'k' })).toMatchObject(
        refused('reader has the role read, this takes write'),
      );
      client.token = undefined;
      expect(await client.call('info')).toMatchObject(excepted(expect.stringContaining('token')));
    });
  },
);

test('calls that were sent behind auth without waiting are made by whom it names', async () => {
  const client = connect();
  const calls = [
    client.encode('createTimeout', { key: 'before', second: 5 }),
    client.encode('auth', { token: given.of.writer }),
    client.encode('createTimeout', { key: 'behind', second: 5 }),
    client.encode('auth', { token: given.of.reader }),
    client.encode('createTimeout', { key: 'too late', second: 5 }),
    client.encode('getKeys', { prefix: '' }),
  ];
  client.send(Buffer.concat(calls));
  expect(await client.reply()).toMatchObject(refused(expect.anything()));
  expect(await client.reply()).toMatchObject({ result: { success: 'writer' } });
  expect(await client.reply()).toMatchObject({ result: { success: { key: 'behind' } } });
  expect(await client.reply()).toMatchObject({ result: { success: 'reader' } });
  expect(await client.reply()).toMatchObject(refused(expect.anything()));
  expect(await client.reply()).toMatchObject({ result: { success: ['behind'] } });
});

test('whoever is served may ping, but not with a wrong token', async () => {
  const client = connect();
  expect(await client.call('ping')).toMatchObject({ result: { success: 0 } });
  client.token = 'forsun_wrong';
  expect(await client.call('ping')).toMatchObject(excepted(none));
  expect(door.counters.value('refused_not_allowed_count')).toBe(0);
});

test('a wrong token is refused, and leaves the connection who it was', async () => {
  const client = connect();
  await client.call('auth', { token: given.of.writer });
  expect(await client.call('auth', { token: `${given.of.writer}x` })).toMatchObject(refused(none));
  expect(await client.call('createTimeout', { key: 'k', second: 5 })).toMatchObject({
    result: { success: { key: 'k' } },
  });
  client.token = 'forsun';
  expect(await client.call('get', { key: 'k' })).toMatchObject(refused(none));
  expect(log.events()).toContain('token_refused');
  expect(JSON.stringify(log.lines)).not.toContain(given.of.writer);
});

test('a call that its caller may not make is counted as that, a wrong token as one', async () => {
  const client = connect();
  await client.call('get', { key: 'k' });
  await client.call('getKeys', { prefix: '' });
  expect(door.counters.value('refused_not_allowed_count')).toBe(2);
  await client.call('auth', { token: 'forsun_wrong' });
  client.token = 'forsun_wrong';
  await client.call('get', { key: 'k' });
  expect(door.counters.value('refused_not_allowed_count')).toBe(2);
  expect(door.counters.value('tokens_refused_count')).toBe(2);
  expect(door.counters.value('requested_error_count')).toBe(4);
  expect(log.events()).toEqual(['call_not_allowed', 'token_refused']);
});

test('a token of some keys and actions makes, sees, lists and removes no other', async () => {
  const client = connect();
  await client.call('auth', { token: given.of.writer });
  await client.call('createTimeout', { key: 'other', second: 5 });
  await client.call('auth', { token: given.of.orders });
  const made = (key: string, action: string) =>
    client.call('createTimeout', { key, second: 5, action });
  expect(await made('order-1', 'http')).toMatchObject({ result: { success: { key: 'order-1' } } });
  for (const reply of [
    await made('order-2', 'shell'),
    await client.call('createTimeout', { key: 'order-2', second: 5 }),
    await client.call('create', { key: '', second: 5, action: 'http' }),
    await made('other', 'http'),
    await client.call('get', { key: 'other' }),
    await client.call('remove', { key: 'other' }),
  ]) {
    expect(reply).toMatchObject(refused(expect.stringMatching(/^orders (is kept|may make)/)));
  }
  for (const reply of [
    await client.call('getKeys', { prefix: '' }),
    await client.call('getKeys', { prefix: '*' }),
    await client.call('getFailures', { prefix: 'o' }),
    await client.call('getTime', { timestamp: 1 }),
    await client.call('getCurrent'),
  ]) {
    expect(reply).toMatchObject(excepted(expect.stringMatching(/^orders is kept to keys/)));
  }
  expect(await client.call('getKeys', { prefix: 'order-*' })).toMatchObject({
    result: { success: ['order-1'] },
  });
  expect(await client.call('ping')).toMatchObject({ result: { success: 0 } });
  expect(await client.call('remove', { key: 'order-1' })).toMatchObject({
    result: { success: { key: 'order-1' } },
  });
});

test('a token that was taken out of the file is good no longer, on open connections too', async () => {
  const client = connect();
  await client.call('auth', { token: given.of.writer });
  await writeFile(given.file, '');
  await given.tokens.check();
  expect(await client.call('get', { key: 'k' })).toMatchObject(
    refused(expect.stringContaining('the token is good no longer')),
  );
});

test('a method that there is not names no token in its refusal', async () => {
  const client = connect();
  client.send(client.encodeName(`${given.of.writer}:nope`));
  const reply = await client.reply();
  expect(reply).toMatchObject({ name: 'nope', exception: { message: 'Unknown function nope' } });
});
