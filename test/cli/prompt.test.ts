import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { forsunFile } from '../support/run-forsun.ts';
import {
  aWireFailure,
  startRawServer,
  startStockServer,
  type StockServer,
} from '../support/stock-server.ts';
import { keys, Terminal } from '../support/terminal.ts';
import { anAccess, openThriftDoor } from '../support/thrift-door.ts';
import { aTokenFile } from '../support/token-file.ts';

const PROMPT = 'forsun> ';
const cleanUps: (() => void | Promise<void>)[] = [];
let home: string;
let server: StockServer;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'forsun-home-'));
  cleanUps.push(() => rmSync(home, { recursive: true }));
  server = await startStockServer();
  cleanUps.push(server.close);
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function open(port: number, env: NodeJS.ProcessEnv = { NO_COLOR: '1' }): Terminal {
  const command = `'${process.execPath}' '${forsunFile}' --port ${port}`;
  const terminal = new Terminal(command, { HOME: home, TZ: 'UTC', ...env });
  cleanUps.push(() => terminal.close());
  return terminal;
}

test('the prompt runs a line, shows an error and goes on, and ends with Ctrl-D', async () => {
  const terminal = open(server.port);
  await terminal.until(PROMPT);
  terminal.type('set k */5/1 * * * * * shell ls; get nope; rm k', keys.enter);
  const shown = await terminal.until('(1003)');
  expect(shown).toContain(`2023-11-14 22:13:25+00:00 k */5/1 * * * * * shell "cmd='ls'"`);
  await terminal.until(PROMPT);
  expect([...server.plans.keys()]).toEqual(['k']);
  terminal.type(keys.ctrlD);
  expect(await terminal.exitCode()).toBe(0);
});

test('each of several lines pasted at once stands above its own output', async () => {
  const terminal = open(server.port);
  await terminal.until(PROMPT);
  terminal.type('get a', keys.enter, 'get b', keys.enter, 'get c', keys.enter);
  for (const key of ['b', 'c']) {
    await terminal.until('(1003)\r\n');
    expect(await terminal.until(`get ${key}\r\n`)).toBe(`${PROMPT}get ${key}\r\n`);
  }
  await terminal.until('(1003)');
  await terminal.until(PROMPT);
});

test('exit leaves, and the commands behind it do not run', async () => {
  const terminal = open(server.port);
  await terminal.until(PROMPT);
  terminal.type('exit; get nope', keys.enter);
  expect(await terminal.exitCode()).toBe(0);
});

test('Tab completes commands, keys and nothing that needs quotes', async () => {
  const terminal = open(server.port);
  await terminal.until(PROMPT);
  terminal.type(
    'set order-1 */5/1 * * * * * shell ls; set "order 2" */5/1 * * * * * shell ls',
    keys.enter,
  );
  await terminal.until(PROMPT);
  terminal.type('ge', keys.tab);
  await terminal.until('get ');
  terminal.type('or', keys.tab);
  await terminal.until('order-1 ');
  terminal.type(keys.enter);
  await terminal.until(`order-1 */5/1 * * * * * shell "cmd='ls'"`);
});

test('Tab completes keys of failures, though their plans are gone; an empty list says so', async () => {
  server.failures.push(aWireFailure('order-17', 4, 'no answer'), aWireFailure('order-17', 1, 'x'));
  const terminal = open(server.port);
  await terminal.until(PROMPT);
  terminal.type('failures or', keys.tab);
  await terminal.until('order-17 ');
  terminal.type('--limit 1', keys.enter);
  await terminal.until('order-17  4 attempts  no answer');
  await terminal.until(PROMPT);
  terminal.type('failures nobody', keys.enter);
  await terminal.until('(none)');
});

test('Ctrl-C clears the line; twice on an empty line it leaves', async () => {
  const terminal = open(server.port);
  await terminal.until(PROMPT);
  terminal.type('rm ev');
  await terminal.until('rm ev');
  terminal.type(keys.ctrlC);
  await terminal.until(PROMPT);
  terminal.type('info', keys.enter);
  await terminal.until('plan_count:\t0');
  await terminal.until(PROMPT);
  terminal.type(keys.ctrlC);
  await terminal.until('Ctrl-C again, or Ctrl-D, leaves.');
  terminal.type(keys.ctrlC);
  expect(await terminal.exitCode()).toBe(0);
});

test('Ctrl-C gives up a command that gets no answer', async () => {
  let calls = 0;
  const pong = Buffer.from('800100020000000470696e6700000001060000000000', 'hex');
  const silent = await startRawServer((socket) =>
    socket.on('data', () => {
      if (calls++ === 0) socket.write(pong);
    }),
  );
  cleanUps.push(silent.close);
  const terminal = open(silent.port);
  await terminal.until(PROMPT);
  terminal.type('get k', keys.enter);
  await expect.poll(() => calls).toBe(2);
  terminal.type(keys.ctrlC);
  await terminal.until('given up');
  await terminal.until(PROMPT);
});

test('lines are remembered for the next session, but none with a secret', async () => {
  const first = open(server.port);
  await first.until(PROMPT);
  first.type('ls', keys.enter);
  await first.until(PROMPT);
  first.type('set k * * * * * * mysql passwd=hush sql=x', keys.enter);
  await first.until(PROMPT);
  first.type(keys.ctrlD);
  await first.exitCode();
  expect(readFileSync(join(home, '.forsun_history'), 'utf8')).toBe('ls\n');

  const second = open(server.port);
  await second.until(PROMPT);
  second.type(keys.up);
  await second.until('ls');
});

test('on a terminal times are coloured, unless NO_COLOR declines', async () => {
  const plain = open(server.port);
  await plain.until(PROMPT);
  plain.type('set k */5/1 * * * * * shell ls', keys.enter);
  await plain.until('\n2023-11-14 22:13:25+00:00 k');

  const coloured = open(server.port, {});
  await coloured.until(PROMPT);
  coloured.type('get k', keys.enter);
  await coloured.until('\x1b[36m2023-11-14 22:13:25+00:00\x1b[0m k');
});

test('without the token that a server needs there is no prompt either', async () => {
  const { tokens } = await aTokenFile({ app: { role: 'read' } });
  const door = await openThriftDoor({ access: anAccess({ tokens, anonymousRole: 'none' }) });
  cleanUps.push(() => door.close());
  const terminal = open(door.address.port);
  await terminal.until('this needs a token: forsun brings it by --token-file or FORSUN_TOKEN');
  expect(await terminal.exitCode()).toBe(1);
});

test('without a server there is no prompt, but one clear line and exit code 1', async () => {
  await server.close();
  const terminal = open(server.port);
  await terminal.until(`cannot reach forsund at 127.0.0.1:${server.port}: connection refused`);
  expect(await terminal.exitCode()).toBe(1);
});

test('rm --prefix asks, at the prompt and on a terminal, and takes only yes for yes', async () => {
  const terminal = open(server.port);
  await terminal.until(PROMPT);
  terminal.type('set a1 */5 * * * * * sh ls; set a2 */5 * * * * * sh ls', keys.enter);
  await terminal.until('a2');
  terminal.type('rm --prefix a', keys.enter);
  await terminal.until('remove 2 plans whose keys begin with "a"? [y/N] ');
  terminal.type('maybe', keys.enter);
  await terminal.until('nothing was removed');
  terminal.type('rm --prefix a', keys.enter);
  await terminal.until('[y/N] ');
  terminal.type(keys.ctrlC);
  await terminal.until('nothing was removed');
  await terminal.until(PROMPT);
  expect(server.plans.size).toBe(2);
  terminal.type('rm --prefix a', keys.enter);
  await terminal.until('[y/N] ');
  terminal.type('y', keys.enter);
  await terminal.until('removed 2 plans');
  expect(server.plans.size).toBe(0);
});

test('one command on a terminal asks too; Ctrl-D is no yes', async () => {
  const command = `'${process.execPath}' '${forsunFile}' --port ${server.port} rm --prefix ''`;
  for (const answer of ['n\r', keys.ctrlD, 'y\r']) {
    const terminal = new Terminal(command, { HOME: home, TZ: 'UTC', NO_COLOR: '1' });
    cleanUps.push(() => terminal.close());
    await terminal.until('remove 0 plans? [y/N] ');
    terminal.type(answer);
    await terminal.until(answer === 'y\r' ? 'removed 0 plans' : 'nothing was removed');
    expect(await terminal.exitCode()).toBe(answer === 'y\r' ? 0 : 1);
  }
});
