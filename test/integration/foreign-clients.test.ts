import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { describe, expect, test, vi } from 'vitest';

import { aDirectory } from '../support/database.ts';
import { eventually, eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { runForsun } from '../support/run-forsun.ts';
import { aStockClient } from '../support/stock-client.ts';

vi.setConfig({ testTimeout: 60_000 });

const script = fileURLToPath(new URL('../support/forsun_client.py', import.meta.url));
const unset = [-1, -1, -1, -1, -1] as const;
const cmd = { cmd: 'true' };

describe.each([
  ['buffered', 'binary'],
  ['buffered', 'compact'],
  ['framed', 'binary'],
  ['framed', 'compact'],
] as const)('%s %s', (transport, encoding) => {
  test("Debian's Python client is served by the whole server", async () => {
    const forsund = await ForsundProcess.start({ store: await aStore() });
    const args = [script, String(forsund.port), transport, encoding];
    const { stdout } = await promisify(execFile)('/usr/bin/python3', args, { timeout: 25_000 });
    const answers = stdout.trim().split('\n').map(parsed);
    const params = { cmd: 'true', note: 'ünïcode ✓ 😀' };
    const a = expect.objectContaining({
      1: true,
      2: 'a',
      3: 5,
      4: -1,
      14: 'shell',
      15: params,
    }) as object;
    const c = expect.objectContaining({ 1: false, 2: 'c', 5: 16, 11: 0, 15: params }) as object;
    expect(answers).toEqual([
      ['ping', { 0: 0 }],
      ['createTimeout', { 0: a }],
      ['create', { 0: c }],
      ['get', { 0: a }],
      ['getTime', { 0: [] }],
      ['getCurrent', { 0: [] }],
      ['getKeys', { 0: ['a', 'c'] }],
      ['remove', { 0: a }],
      ['get', { 1: { 1: 1003, 2: 'no plan has the key "a"' } }],
      ['info', { 0: expect.objectContaining({ plan_count: '1', current_store: 'mem' }) as object }],
      ['forsun_call', { exception: 6, message: expect.any(String) as string }],
      ['nope', { exception: 1, message: 'Unknown function nope' }],
    ]);
  });

  test("the thrift package's Node client is served by the whole server", async () => {
    const forsund = await ForsundProcess.start({ store: await aStore() });
    const client = aStockClient(forsund.port, { transport, encoding });
    const made = await client.createTimeout('a', 5, ...unset, 1, 'shell', cmd);
    expect(made).toMatchObject({ is_time_out: true, key: 'a', params: cmd });
    expect(await client.get('a')).toEqual(made);
    const keys = Array.from({ length: 300 }, (_, n) => `k${String(n).padStart(3, '0')}`);
    const plans = await Promise.all(
      keys.map((key) => client.createTimeout(key, 500, ...unset, 1, 'shell', cmd)),
    );
    expect(plans.map(({ key }) => key)).toEqual(keys);
    expect(await client.getKeys('k')).toEqual(keys);
    expect(await client.ping()).toBe(0);
  });
});

test("the command's set line makes a plan that fires", async () => {
  const forsund = await ForsundProcess.start({ store: await aStore() });
  const file = join(await aDirectory(), 'fired');
  const forsun = (...words: string[]) => runForsun(['--port', String(forsund.port), ...words]);
  const set = await forsun(`set k */1/2 * * * * * sh "printf %s $FORSUN_KEY >> ${file}"`);
  expect(set).toMatchObject({ code: 0, stderr: '' });
  await forsun('set far */3600/2 * * * * * sh true');
  expect(await forsun('get', 'far')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('*/3600/2') as string,
  });
  await eventually(() => existsSync(file) && readFileSync(file, 'utf8') === 'kk');
  await eventuallyPasses(async () => {
    const gone = await forsun('get', 'k'); // once its last run is settled
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('1003') as string });
  });
});

const parsed = (line: string): unknown => JSON.parse(line);
