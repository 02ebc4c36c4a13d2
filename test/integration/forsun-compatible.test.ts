import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test, vi } from 'vitest';

import type { GeneratedClient } from '../../src/client/generated.ts';
import { aDirectory } from '../support/database.ts';
import { eventually, eventuallyPasses } from '../support/eventually.ts';
import { FakeTime } from '../support/fake-time.ts';
import { aStore, type ForsundOptions, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';
import { isNightly } from '../support/nightly.ts';
import { RawClient } from '../support/raw-client.ts';
import { aStockClient } from '../support/stock-client.ts';

vi.setConfig({ testTimeout: 60_000 });

const unset = [-1, -1, -1, -1, -1] as const;
const cmd = { cmd: 'true' };

async function aServer(
  args: readonly string[] = [],
  env: ForsundOptions['env'] = {},
): Promise<{ readonly forsund: ForsundProcess; readonly client: GeneratedClient }> {
  const forsund = await ForsundProcess.start({ store: await aStore(), args, env });
  return { forsund, client: aStockClient(forsund.port) };
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

test('ping: the bytes of a call are answered byte by byte', async () => {
  const { forsund } = await aServer();
  const client = new RawClient(forsund.port);
  client.send('800100010000000470696e670000000700');
  expect((await client.receive(22)).toString('hex')).toBe(
    '800100020000000470696e6700000007060000000000',
  );
  client.close();
});

test('an interval plan counts from the current second and says so', async () => {
  const { client } = await aServer();
  const before = nowSeconds();
  const a = await client.createTimeout('a', 5, ...unset, 1, 'shell', cmd);
  expect(a.next_time).toBeGreaterThanOrEqual(before + 5);
  expect(a.next_time).toBeLessThanOrEqual(nowSeconds() + 5);
  expect(a).toMatchObject({
    ...{
      is_time_out: true,
      key: 'a',
      second: 5,
      minute: -1,
      hour: -1,
      day: -1,
      month: -1,
      week: -1,
    },
    ...{ count: 1, current_count: 0, status: 0, last_timeout: 0, action: 'shell', params: cmd },
  });
  expect(Number(a.next_fire_time)).toBe(a.next_time);
  expect(await client.getTime(a.next_time)).toMatchObject([{ key: 'a' }]);
});

test('refusals have the codes of forsun', async () => {
  const { client } = await aServer();
  const make = (second: number, count: number, action: string, params: Record<string, string>) =>
    client.createTimeout('k', second, ...unset, count, action, params);
  await expect(client.get('nope')).rejects.toMatchObject({ code: 1003 });
  await expect(client.remove('nope')).rejects.toMatchObject({ code: 1003 });
  await make(100, 1, 'shell', cmd);
  await expect(make(5, 1, 'bogus', {})).rejects.toMatchObject({ code: 1006 });
  await expect(make(5, 1, 'shell', {})).rejects.toMatchObject({ code: 1007 });
  await expect(make(5, 1, 'shell', { ...cmd, 'forsun.no': '' })).rejects.toMatchObject({
    code: 1007,
  });
  await expect(make(0, 0, 'shell', cmd), 'at once, for ever').rejects.toMatchObject({
    code: 1002,
  });
  await expect(make(-25_536, 1, 'shell', cmd), '40000 in an i16').rejects.toMatchObject({
    code: 1002,
  });
  const past = client.create('past', 0, 0, 0, 1, 1, -1, 'shell', cmd);
  await expect(past).rejects.toMatchObject({ code: 1002 });
  const impossible = client.create('k', 0, 0, 0, 30, 2, -1, 'shell', cmd);
  await expect(impossible).rejects.toMatchObject({ code: 1002 });
  expect(await client.getKeys(''), 'a failing create leaves the old plan alone').toEqual(['k']);
  expect(await client.get('k')).toMatchObject({ second: 100 });
});

test('a calendar plan is due at the next such time of day, in UTC, as true epoch', async () => {
  const { client } = await aServer();
  const d = await client.create('d', 0, 32, 16, -1, -1, -1, 'shell', cmd);
  expect(d).toMatchObject({ is_time_out: false, count: 0, second: 0, minute: 32, hour: 16 });
  const today = Math.floor(Date.now() / 86_400_000) * 86_400 + 16 * 3600 + 32 * 60;
  expect([today, today + 86_400]).toContain(d.next_time);
  expect(d.next_time).toBeGreaterThanOrEqual(nowSeconds() - 5);
});

test('count 2 fires twice and is gone; count 0 goes on until removed; 0 seconds fire at once', async () => {
  const { client } = await aServer();
  const directory = await aDirectory();
  const file = (name: string): string => join(directory, name);
  const marks = (name: string): number =>
    existsSync(file(name)) ? readFileSync(file(name), 'utf8').length : 0;
  const marking = (name: string) => ({ cmd: `printf x >> ${file(name)}` });
  await client.createTimeout('twice', 1, 0, 0, 0, 0, 0, 2, 'shell', marking('twice'));
  await client.createTimeout('forever', 1, ...unset, 0, 'shell', marking('forever'));
  await client.createTimeout('now', 0, ...unset, 1, 'shell', marking('now'));
  await eventually(() => marks('now') === 1);
  await eventually(() => marks('twice') === 2 && marks('forever') >= 3);
  await eventuallyPasses(() => expect(client.get('twice')).rejects.toMatchObject({ code: 1003 }));
  expect(await client.remove('forever')).toMatchObject({
    key: 'forever',
    params: marking('forever'),
  });
  await expect(client.get('forever')).rejects.toMatchObject({ code: 1003 });
  await sleep(300); // a run that had started may end
  const { length } = readFileSync(file('forever'));
  await sleep(1_500);
  expect([marks('now'), marks('twice'), marks('forever')]).toEqual([1, 2, length]);
});

test('keys are found by prefix, with or without a star, and a key made again is one entry', async () => {
  const { client } = await aServer();
  const first = await client.createTimeout('t1', 60, ...unset, 1, 'shell', cmd);
  const second = await client.createTimeout('t1', 90, ...unset, 1, 'shell', cmd);
  await client.createTimeout('t2', 60, ...unset, 1, 'shell', cmd);
  await client.createTimeout('u', 60, ...unset, 1, 'shell', cmd);
  expect(await client.getKeys('t')).toEqual(['t1', 't2']);
  expect(await client.getKeys('t*')).toEqual(['t1', 't2']);
  expect(await client.getKeys('*')).toEqual(['t1', 't2', 'u']);
  const at = async (second: number): Promise<string[]> =>
    (await client.getTime(second)).map(({ key }) => key);
  expect(await at(first.next_time)).not.toContain('t1');
  expect(await at(second.next_time)).toEqual(['t1']);
  expect((await client.info())['plan_count']).toBe('3');
});

test('a failing HTTP target is asked again after growing delays, never earlier, and retries are no keys', async () => {
  const [delay, args] = isNightly ? [3, []] : [1, ['--action-retry-delay-seconds', '1']];
  const { client } = await aServer(args);
  const sink = await HttpSink.open();
  sink.answer = ({ key }) => (key === 'final' ? 404 : 500);
  const params = { url: sink.url() };
  const { next_time: due } = await client.createTimeout('again', 1, ...unset, 1, 'http', params);
  await client.createTimeout('final', 1, ...unset, 1, 'http', params);
  await sink.until('again', 2);
  expect(await client.getKeys('')).toEqual(['again']);
  const hits = await sink.until('again', 4);
  expect(new Set(hits.map(({ fireTime }) => fireTime))).toEqual(new Set([due]));
  for (const [n, hit] of hits.slice(1).entries()) {
    const failedAt = Math.floor(hits[n]!.atMs / 1000);
    expect(hit.atMs).toBeGreaterThanOrEqual((failedAt + delay * (n + 2)) * 1000);
  }
  await eventuallyPasses(async () => expect(await client.getKeys('')).toEqual([]));
  await sleep(1_000);
  expect([sink.of('again').length, sink.of('final').length]).toEqual([4, 1]);
});

test('with status_expried a finished plan stays that long with its status', async () => {
  const time = await FakeTime.begin();
  const args = ['--store-status-expried', '3600', '--action-retry-max-count', '0'];
  const { client } = await aServer(args, time.env);
  const sink = await HttpSink.open();
  sink.answer = () => 503;
  await client.createTimeout('done', 0, ...unset, 1, 'shell', cmd);
  await client.createTimeout('false', 0, ...unset, 1, 'shell', { cmd: 'false' });
  await client.createTimeout('failed', 0, ...unset, 1, 'http', { url: sink.url() });
  const status = async (key: string): Promise<number> => Number((await client.get(key)).status);
  await eventuallyPasses(async () => {
    expect([await status('done'), await status('false'), await status('failed')]).toEqual([
      1, -1, -1,
    ]);
  });
  expect((await client.get('done')).last_timeout).toBeGreaterThan(0);
  time.set(3_600 + 1);
  await eventuallyPasses(async () => expect(await client.getKeys('')).toEqual([]));
  await expect(client.get('done')).rejects.toMatchObject({ code: 1003 });
});
