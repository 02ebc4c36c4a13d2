import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import {
  aWireFailure,
  startRawServer,
  startStockServer,
  type StockServer,
} from '../support/stock-server.ts';
import { forsunFile, runForsun, type Result } from '../support/run-forsun.ts';

const stars = Array.from({ length: 5 }, () => '*');

let server: StockServer;

beforeAll(async () => {
  server = await startStockServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.plans.clear();
  server.failures.length = 0;
});

const forsun = (...args: string[]): Promise<Result> =>
  runForsun(['--port', String(server.port), ...args]);

const backup = `2023-11-14 22:13:25+00:00 backup */5/1 * * * * * shell "cmd='ls -l'"\n`;

describe('commands', () => {
  test('a plan is made by one line, by words the shell has split, and by lines of standard input', async () => {
    const made = { stdout: backup, stderr: '', code: 0 };
    expect(await forsun(`set backup */5/1 * * * * * shell 'ls -l'`)).toEqual(made);
    const words = ['set', 'backup', '*/5/1', ...stars, 'sh', 'cmd=ls -l'];
    expect(await forsun(...words)).toEqual(made);
    expect(await forsun('--exe', `set backup */5/1 * * * * * bash "cmd='ls -l'"`)).toEqual(made);
    const input = `\nset backup */5/1 * * * * * shell cmd='ls -l'\nexit\nget nope\n`;
    expect(await runForsun([`--port=${server.port}`], { input })).toEqual(made);
  });

  test('get, time, current, ls and rm show plans a line each', async () => {
    await forsun(`set backup */5/1 * * * * * shell 'ls -l'; set 'a b' 0 1 * * * * http http://x/`);
    const ab = `2023-11-14 22:14:20+00:00 'a b' 0 1 * * * * http "url='http://x/'"\n`;
    expect((await forsun('get', 'backup')).stdout).toBe(backup);
    expect((await forsun('get', 'a b')).stdout).toBe(ab);
    expect((await forsun('time', '1700000005')).stdout).toBe(backup);
    expect((await forsun(`time '2023-11-14 22:13:25'`)).stdout).toBe(backup);
    expect((await forsun('current')).stdout).toBe(ab);
    expect((await forsun('ls')).stdout).toBe(ab + backup);
    expect((await forsun('ls', 'back')).stdout).toBe(backup);
    expect(await forsun('rm', 'backup')).toEqual({ stdout: 'success\n', stderr: '', code: 0 });
    expect((await forsun('ls', 'back')).stdout).toBe('');
  });

  test('failures are shown a line each, below each other, as many as asked', async () => {
    server.failures.push(
      aWireFailure('order-17', 4, 'no answer\x1b[2J'),
      aWireFailure('a b', 1, 'x'),
    );
    const [first, second] = [
      `2023-11-14 22:13:20+00:00  order-17  4 attempts  no answer\\u001b[2J\n`,
      `2023-11-14 22:13:20+00:00  'a b'     1 attempt   x\n`,
    ];
    expect(await forsun('failures')).toEqual({ stdout: first + second, stderr: '', code: 0 });
    expect((await forsun('failures', 'order')).stdout).toBe(first);
    expect((await forsun('failures', '--limit', '1')).stdout).toBe(first);
    expect((await forsun('failures order --limit 1')).stdout).toBe(first);
    expect((await forsun('failures', 'nobody')).stdout).toBe('');
  });

  test('ls shows as many plans as asked, and says behind which key it goes on', async () => {
    await forsun(
      `set a */5/1 * * * * * sh ls; set 'b b' */5/1 * * * * * sh ls; set c */5 * * * * * sh ls`,
    );
    const keysOf = ({ stdout }: Result) => stdout.match(/(?<=00:00 )('b b'|\S+)/g);
    const first = await forsun('ls', '--limit', '2');
    expect(keysOf(first)).toEqual(['a', `'b b'`]);
    expect(first.stderr).toBe(`more follow: --after 'b b'\n`);
    const rest = await forsun('ls', '--limit', '2', '--after', 'b b');
    expect(keysOf(rest)).toEqual(['c']);
    expect(rest.stderr).toBe('');
    expect(keysOf(await forsun(`ls * --after a --limit 1`))).toEqual([`'b b'`]);
    expect((await forsun('ls', '--limit', '3')).stderr).toBe('');
    const { stdout, stderr } = await forsun('ls', '--limit', '1', '--json');
    expect([(JSON.parse(stdout) as unknown[]).length, stderr]).toEqual([1, '']);
  });

  test('rm --prefix removes the plans whose keys begin so, literally, and no others', async () => {
    await forsun(
      `set a1 */5 * * * * * sh ls; set a2 */5 * * * * * sh ls; set b */5 * * * * * sh ls`,
    );
    expect((await forsun('rm', '--prefix', 'a*', '--yes')).stdout).toBe('removed 0 plans\n');
    expect(await forsun('rm', '--prefix', 'a', '--yes')).toEqual({
      stdout: 'removed 2 plans\n',
      stderr: '',
      code: 0,
    });
    expect([...server.plans.keys()]).toEqual(['b']);
    expect((await forsun('rm', '--prefix', '', '--yes', '--json')).stdout).toBe('{"removed":1}\n');
    expect(server.plans.size).toBe(0);
  });

  test('a key that looks like a flag stands behind --', async () => {
    await forsun('set', '--', '--odd', '*/5', ...stars, 'sh', 'ls');
    expect([...server.plans.keys()]).toEqual(['--odd']);
    expect((await forsun('ls', '--limit', '1', '--', '--odd')).stdout).toContain('--odd');
    expect((await forsun('rm', '--', '--odd')).stdout).toBe('success\n');
  });

  test('info is a name and a value a line; help and version need no server', async () => {
    expect((await forsun('info')).stdout).toBe('forsun_version:\t0.0\nplan_count:\t0\n');
    expect((await runForsun(['--port', '1', 'help'])).stdout).toContain('rm KEY');
    expect((await runForsun(['--port', '1', 'version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await runForsun(['--help'])).stdout).toContain('Usage: forsun');
  });

  test('times are those of the zone the person lives in, shown and read', async () => {
    const env = { TZ: 'Asia/Kathmandu', FORSUN_PORT: String(server.port) };
    await runForsun([`set backup */5/1 * * * * * shell 'ls -l'`], { env });
    const shown = backup.replace('2023-11-14 22:13:25+00:00', '2023-11-15 03:58:25+05:45');
    expect((await runForsun(['time', '2023-11-15 03:58:25'], { env })).stdout).toBe(shown);
    expect((await runForsun(['time 2023-11-15 03:58:25+05:45'], { env })).stdout).toBe(shown);
    expect((await runForsun(['time 2023-11-14T22:13:25Z'], { env })).stdout).toBe(shown);
  });

  test('what a terminal would obey is escaped', async () => {
    const { stdout } = await forsun('set', 'k', '*/5/1', ...stars, 'sh', 'cmd=a\x1b[2J\nb');
    expect(stdout).toContain(String.raw`"cmd='a\u001b[2J\nb'"`);
  });
});

describe('--json', () => {
  const plan = {
    key: 'backup',
    kind: 'interval',
    second: 5,
    minute: 0,
    hour: 0,
    day: 0,
    month: 0,
    week: null,
    count: 1,
    fired_count: 0,
    status: 0,
    action: 'shell',
    params: { cmd: 'ls' },
    next_fire_time: 1700000005,
    last_fire_time: null,
    created_time: 1700000000,
    running: 0,
  };

  test('every command prints one document', async () => {
    const json = async (...args: string[]): Promise<unknown> =>
      JSON.parse((await forsun('--json', ...args)).stdout);
    expect(await json('ls')).toEqual([]);
    expect(await json(`set backup */5/1 * * * * * shell ls`)).toEqual(plan);
    expect(await json('get', 'backup')).toEqual(plan);
    expect(await json('ls')).toEqual([plan]);
    expect(await json('time', '1700000005')).toEqual([plan]);
    expect(await json('current')).toEqual([]);
    expect(await json('failures')).toEqual([]);
    server.failures.push(aWireFailure('a', 4, 'no answer'));
    const failure = { key: 'a', action: 'http', fire_time: 1700000000, attempts: 4 };
    expect(await json('failures')).toEqual([
      { ...failure, failed_at: 1700000030, reason: 'no answer' },
    ]);
    expect(await json('info')).toEqual({ forsun_version: '0.0', plan_count: '1' });
    expect(await json('rm', 'backup')).toEqual(plan);
    expect(await json('version')).toEqual({ version: expect.any(String) as string });
  });

  test('what a terminal would obey is escaped in it, and means the same', async () => {
    const reason = 'no\x1b[2J\u009b2J\u007f\u202e\u2028\n';
    server.failures.push(aWireFailure('a', 4, reason));
    const { stdout } = await forsun('--json', 'failures');
    expect(stdout).not.toMatch(/[\x1b\u007f-\u009f\u2028\u202e]/);
    expect(JSON.parse(stdout)).toMatchObject([{ reason }]);
  });

  test('an error is a document on standard error', async () => {
    expect(await forsun('get', 'nope', '--json')).toEqual({
      stdout: '',
      stderr: '{"error":{"code":1003,"message":"no plan has the key \\"nope\\""}}\n',
      code: 1,
    });
  });
});

describe('what fails', () => {
  test.each<[string[], string]>([
    [['get', 'nope'], 'forsun: no plan has the key "nope" (1003)\n'],
    [['set k 0 0 9 * * * bogus a=b'], 'forsun: no action is called "bogus" (1006)\n'],
    [
      ['set k 0 0 9 * * 7h shell ls'],
      'forsun: week is *, a number, */N, */N/COUNT or a cron field, not "7h"\n',
    ],
    [['bogus'], 'forsun: no command is called "bogus"; see help\n'],
    [['lss'], 'forsun: no command is called "lss"; did you mean ls?\n'],
    [['get a b'], 'forsun: expected get KEY: put quotes around what holds blanks\n'],
    [['get'], 'forsun: expected get KEY\n'],
    [
      ['time', 'noon'],
      'forsun: a time is seconds since 1970 or an existing YYYY-MM-DD HH:MM:SS, not "noon"\n',
    ],
    [
      ['time 2023-02-30 00:00:00'],
      'forsun: a time is seconds since 1970 or an existing YYYY-MM-DD HH:MM:SS, not "2023-02-30 00:00:00"\n',
    ],
    [['failures', '--limit', '0'], 'forsun: a limit is a number from 1 to 10000, not "0"\n'],
    [
      ['get', '--limit', '5'],
      'forsun: --limit goes with one of the commands ls, failures, and stands behind it\n',
    ],
    [['ls', '--yes'], 'forsun: --yes goes with the command rm, and stands behind it\n'],
    [['ls', '--limit', '1e1'], `forsun: a limit is a number from 1 to ${2 ** 53 - 1}, not "1e1"\n`],
    [['rm'], 'forsun: expected rm KEY, or rm --prefix P [--yes]\n'],
    [['rm', 'k', '--prefix', 'k'], 'forsun: expected rm KEY, or rm --prefix P [--yes]\n'],
    [['rm', '--prefix', 'k'], 'forsun: rm --prefix removes many plans: it takes --yes\n'],
    [['--jsno', 'ls'], 'forsun: no flag is called "--jsno"; did you mean --json?\n'],
    [['ls', '--port', 'x'], 'forsun: a port is a number from 1 to 65535, not "x"\n'],
  ])('%j exits 1 and says why', async (args, stderr) => {
    expect(await forsun(...args)).toEqual({ stdout: '', stderr, code: 1 });
  });

  test('the first error ends the line, and what came before stands', async () => {
    const result = await forsun(`set backup */5/1 * * * * * shell 'ls -l'; get nope; rm backup`);
    expect(result).toMatchObject({ stdout: backup, code: 1 });
    expect([...server.plans.keys()]).toEqual(['backup']);
  });

  test('a server away is one clear line', async () => {
    const nobody = await startRawServer(() => undefined);
    await nobody.close();
    expect(await runForsun(['--port', String(nobody.port), 'ls'])).toEqual({
      stdout: '',
      stderr: `forsun: cannot reach forsund at 127.0.0.1:${nobody.port}: connection refused (is it running?)\n`,
      code: 1,
    });
  });

  test('a FORSUN_PORT that is no number is not meant for the command', async () => {
    const env = { FORSUN_PORT: 'tcp://10.0.0.1:6458' };
    expect((await runForsun(['version'], { env })).code).toBe(0);
  });
});

test('a reader that leaves early ends the command quietly', async () => {
  const keys = Array.from({ length: 3_000 }, (_, index) => `k${index}`);
  const input = keys
    .map((key) => `set ${key} */5/1 * * * * * shell 'ls ${'x'.repeat(100)}'`)
    .join('\n');
  await runForsun(['--port', String(server.port)], { input });
  const child = spawn(process.execPath, [forsunFile, '--port', String(server.port), 'ls'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  for await (const line of createInterface(child.stdout)) {
    expect(line).toContain(' k0 ');
    break;
  }
  child.stdout.destroy();
  const [code] = (await once(child, 'close')) as [number | null];
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
});
