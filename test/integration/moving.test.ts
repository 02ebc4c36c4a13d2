import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

import { Relay } from '../actions/relay.ts';
import type { ForsunClient } from '../../src/client/forsun-client.ts';
import type { Plan } from '../../src/client/plan.ts';
import { aDirectory } from '../support/database.ts';
import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess, sharedForsund } from '../support/forsund-process.ts';
import { isNightly } from '../support/nightly.ts';
import { forsunFile, forsunHere, runForsun } from '../support/run-forsun.ts';
import { aTokenFile } from '../support/token-file.ts';

vi.setConfig({ testTimeout: 120_000 });

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await aDirectory();
  file = join(directory, 'plans.jsonl');
});

const start = async (...args: string[]): Promise<ForsundProcess> =>
  ForsundProcess.start({ store: await aStore(), args });

const forsun = (port: number, ...args: string[]) => forsunHere(['--port', String(port), ...args]);

const emptied = (port: number) => forsun(port, 'rm', '--prefix', '', '--yes');

async function plansOf(client: ForsunClient): Promise<readonly Plan[]> {
  const plans: Plan[] = [];
  for (const key of await client.listKeys('', '', 1_000_000)) plans.push(await client.get(key));
  return plans;
}

/** Plans named 00000 and so on, far from due. */
async function makePlans(client: ForsunClient, count: number, body = ''): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const some = Array.from({ length: Math.min(500, count - from) }, (_, n) => from + n);
    await Promise.all(
      some.map((n) =>
        client.createTimeout({
          ...{ key: String(n).padStart(5, '0'), day: 30, count: n % 3, action: 'http' },
          params: { url: `http://127.0.0.1:9/${n}`, method: 'post', body },
        }),
      ),
    );
  }
}

test('plans of every kind come to the other server as they stood', async () => {
  const from = await start('--timezone', 'Europe/Berlin', '--http', '127.0.0.1:0');
  const client = from.client();
  const odd = [
    ['cmd', 'echo "hä" 🚀\n'],
    ['10', 'before'],
    ['9', ''],
    ['__proto__', 'x'],
    ['hasOwnProperty', '[redacted]'],
    ['env', 'A=1;PASSWORD=secret'],
  ] as const;
  const year = new Date().getFullYear() + 1;
  await client.create({ key: 'daily', second: 0, minute: 0, hour: 9, params: { cmd: 'true' } });
  const sunday = { key: 'sunday', week: 0, hour: 0, minute: 0, second: 0 };
  await client.create({ ...sunday, params: new Map(odd) });
  const cron = { 'forsun.cron': '0 9 1 1 *', 'forsun.timezone': 'Asia/Tokyo' };
  await client.create({ key: 'cron/ü', params: { ...cron, cmd: 'true' } });
  await client.createTimeout({ key: 'repeats', minute: 10, count: 0, params: { cmd: 'true' } });
  await client.createTimeout({ key: 'thrice', second: 1, count: 0, params: { cmd: 'true' } });
  const at = `${year}-12-24T09:00:00Z`;
  const made = await fetch(`http://127.0.0.1:${from.httpPort}/v2/plans/moment`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ schedule: { at }, action: 'shell', params: { cmd: 'true' } }),
  });
  expect(made.status).toBe(201);
  await eventuallyPasses(async () => {
    expect((await client.get('thrice')).firedCount).toBeGreaterThan(0);
  });
  await client.createTimeout({
    ...{ key: 'thrice', second: 32_767, month: 9 },
    count: 3,
    params: { cmd: 'x' },
  });

  const exported = await runForsun(['--port', String(from.port), 'export', '--output', file]);
  expect(exported).toEqual({ stdout: '', stderr: 'exported 6 plans\n', code: 0 });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(existsSync(`${file}.part`)).toBe(false);

  const to = await start();
  const imported = { stdout: 'restored 6 plans\n', stderr: '', code: 0 };
  expect(await forsun(to.port, 'import', file)).toEqual(imported);
  const there = await plansOf(to.client());
  expect(there).toEqual(await plansOf(client));
  expect([...there.find(({ key }) => key === 'sunday')!.params]).toEqual(odd);
  expect(there.find(({ key }) => key === 'daily')).toMatchObject({ timezone: 'Europe/Berlin' });
  expect(there.find(({ key }) => key === 'moment')).toMatchObject({ year });

  const again = 'restored 0 plans; 6 were there, and stay as they are\n';
  expect((await forsun(to.port, 'import', file)).stdout).toBe(again);
  expect(await forsun(to.port, 'import', file, '--replace')).toEqual(imported);
  expect(await plansOf(to.client())).toEqual(there);
});

test('what has fired, is overdue or to be tried again goes on with its counts; what has ended does not', async () => {
  const from = await start(
    '--store-status-expried',
    '1000',
    '--action-retry-delay-seconds',
    '1000',
  );
  const client = from.client();
  const ran = join(directory, 'ran');
  const cmd = `echo $FORSUN_TIMESTAMP >> ${ran}`;
  await client.createTimeout({ key: 'ended', second: 0, params: { cmd: 'true' } });
  const dead = { action: 'http', params: { url: 'http://127.0.0.1:9/' } };
  await client.createTimeout({ key: 'last', second: 1, ...dead });
  await client.createTimeout({ key: 'more', second: 2, count: 2, ...dead });
  await client.restore({
    ...{ key: 'overdue', kind: 'interval', second: 0, minute: 0, hour: 1, count: 9, firedCount: 4 },
    ...{ status: 1, action: 'shell', params: new Map([['cmd', 'true']]), nextFireTime: 2e9 },
  });
  await eventuallyPasses(async () => {
    expect(await client.get('ended')).toMatchObject({ status: 1 });
    expect(await client.get('last')).toMatchObject({ status: -1, unfinished: 1 });
    expect(await client.get('more')).toMatchObject({ status: -1, unfinished: 1 });
  });
  const { stdout, stderr } = await forsun(from.port, 'export');
  expect(stderr).toBe(
    'exported 3 plans; 1 had ended and were left out; of 1 a firing had not ended, which stays behind\n',
  );

  const overdue = Math.floor(Date.now() / 1000) - 100_000;
  const edited = stdout
    .replace('2000000000', String(overdue))
    .replace('"true"', JSON.stringify(cmd));
  const to = await start();
  const port = String(to.port);
  const { code } = await runForsun(['--port', port, 'import', '-'], { input: edited });
  expect(code).toBe(0);
  await eventuallyPasses(async () => {
    const now = to.client();
    expect(await now.get('last')).toMatchObject({ firedCount: 1, status: -1, unfinished: 1 });
    expect(await now.get('overdue')).toMatchObject({ firedCount: 5, count: 9 });
    expect((Number(await readFile(ran, 'utf8')) - overdue) % 3_600).toBe(0);
  });
});

describe('cut in the middle', () => {
  const [from, to] = [sharedForsund(), sharedForsund()];
  beforeAll(() => makePlans(from().client(), 5_000)); // more than a page of keys
  beforeEach(() => emptied(to().port));

  test('an export goes on behind the key that it names, to the same file', async () => {
    const { port } = from();
    const whole = await forsun(port, 'export');
    const relay = await Relay.to(port);
    relay.cut = { when: 'before its answer', word: '04500' };
    const cut = await forsun(relay.port, 'export', '--output', file);
    await relay.close();
    const [, key] =
      /^go on with --after "(\d+)"\nforsun: lost the connection/.exec(cut.stderr) ?? [];
    expect([cut.code, key]).toEqual([1, expect.stringMatching(/^04/)]);
    expect(existsSync(file)).toBe(false);

    const goOn = (after: string) => forsun(port, 'export', '--output', file, '--after', after);
    expect(await goOn('00000')).toMatchObject({
      stderr: expect.stringContaining(`--after "${key!}", or take it away`) as unknown,
      code: 1,
    });
    await writeFile(`${file}.part`, `${await readFile(`${file}.part`, 'utf8')}{"key":"torn`);
    expect(await goOn(key!)).toMatchObject({ code: 0 });
    expect(await readFile(file, 'utf8')).toBe(whole.stdout);
    expect(existsSync(`${file}.part`)).toBe(false);
  });

  test('an import goes on behind the key that it names, or where it began', async () => {
    await forsun(from().port, 'export', '--output', file, '--prefix', '00');
    const { port } = to();
    const relay = await Relay.to(port);
    relay.cut = { when: 'before its answer', word: '00800' };
    const cut = await forsun(relay.port, 'import', file);
    await relay.close();
    const [, key = ''] =
      /^go on with --after "(\d+)"\nforsun: lost the conn/.exec(cut.stderr) ?? [];
    const before = Number(key) + 1;
    expect(before).toBeGreaterThan(500);
    expect(cut).toMatchObject({ code: 1, stdout: `restored ${before} plans\n` });

    const goOn = await forsun(port, 'import', file, '--after', key, '--json');
    const { restored, there, last_key } = JSON.parse(goOn.stdout) as Record<string, number>;
    expect([restored! + there!, last_key, goOn.code]).toEqual([1_000 - before, '00999', 0]);
    expect(await to().client().listKeys('', '', 10_000)).toHaveLength(1_000);
    const again = await forsun(port, 'import', file);
    expect(again.stdout).toBe('restored 0 plans; 1,000 were there, and stay as they are\n');
    expect((await forsun(port, 'import', file, '--after', 'nobody')).stderr).toContain(
      'no line has the key "nobody"',
    );
  });

  test('Ctrl-C says where to go on', async () => {
    const args = [forsunFile, '--port', String(from().port), 'export'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    await once(child.stdout, 'readable'); // and what is not read holds it up
    child.kill('SIGINT');
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    expect(await once(child, 'close')).toEqual([1, null]);
    const [, key = ''] = /^go on with --after "(\d+)"\nforsun: interrupted\n$/.exec(stderr) ?? [];
    expect(stdout.trim().split('\n').at(-1)).toContain(`"key":"${key}"`);
    const rest = await forsun(from().port, 'export', '--after', key);
    const input = stdout + rest.stdout;
    const imported = await forsunHere(['--port', String(to().port), 'import', '-'], { input });
    expect(imported).toEqual({ stdout: 'restored 5,000 plans\n', stderr: '', code: 0 });
  });
});

test('an rm --prefix that Ctrl-C cuts short says how many it had removed', async () => {
  const from = await start();
  await makePlans(from.client(), 3_000);
  const relay = await Relay.to(from.port);
  relay.cut = { when: 'before its answer', word: '02000' };
  const lost = await forsun(relay.port, 'rm', '--prefix', '', '--yes');
  await relay.close();
  expect(lost.stdout).toMatch(/^removed [12],\d{3} plans\n$/);
  expect([lost.code, lost.stderr]).toEqual([1, expect.stringContaining('lost the connection')]);
  await makePlans(from.client(), 3_000);
  const args = [forsunFile, '--port', String(from.port), 'rm', '--prefix', '', '--yes'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const client = from.client();
  const firstIsThere = async () => (await client.listKeys('', '', 1))[0] === '00000';
  while (await firstIsThere()) await sleep(1);
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(stdout).toMatch(/^removed [\d,]+ plans\n$/);
  expect(stderr).toBe('forsun: interrupted\n');
});

test('an export refuses a directory before it begins, and takes - for standard output', async () => {
  const from = await start();
  await makePlans(from.client(), 3);
  expect(await forsun(from.port, 'export', '--output', directory)).toEqual({
    ...{ stdout: '', stderr: `forsun: ${directory} is a directory: name a file\n`, code: 1 },
  });
  expect(existsSync(`${directory}.part`)).toBe(false);
  const { stdout } = await forsun(from.port, 'export', '--output', '-');
  expect(stdout).toBe((await forsun(from.port, 'export')).stdout);
});

describe('lines that are no plans of an export', () => {
  const line = (key: string, more = ''): string =>
    `{"key":"${key}","kind":"interval","minute":5,"count":1,"next_fire_time":2000000000,` +
    `"action":"http","params":{"url":"http://127.0.0.1:9/"}${more}}`;
  const [begin, end] = ['{"forsun_plans":1}', '{"forsun_plans":"end"}'];
  const to = sharedForsund();
  beforeEach(() => emptied(to().port));
  const importing = (input: string, ...args: string[]) =>
    forsunHere(['--port', String(to().port), 'import', '-', ...args], { input });
  const bad = [
    ['garbage', 'line 3: it is no JSON'],
    [line('odd', ',"x":1'), 'line 3: no field is called "x"'],
    [line(''), 'line 3, "": the key is empty, expected that of the plan (1007)'],
    [
      line('k').replace('http"', 'bogus"'),
      /^line 3, "k": no action is called "bogus".* \(1006\)$/m,
    ],
    [line('k').replace('"minute":5', '"minute":-7'), /^line 3, "k": minute is -7.* \(1002\)$/m],
    [line('k').replace(':5', ':70000'), 'line 3, "k": minute is a whole number from -32768'],
    [line('\\ud800'), 'holds half a character'],
    [line('k').replace('127', '[redacted]@127'), /^line 3, "k": .*stands for a secret/m],
  ] as const;

  test.each(bad)('%s stops, and --skip-bad leaves it out', async (text, reason) => {
    const input = [begin, line('a'), text, line('b'), '', end, ''].join('\n');
    const stopped = await importing(input);
    expect(stopped.stdout).toBe('restored 1 plan\n');
    expect(stopped.stderr).toMatch(/^go on with --after "a"\nforsun: line 3.*\n$/);
    expect(stopped.stderr.replace(/^.*\nforsun: /, '')).toMatch(reason);
    expect(stopped.code).toBe(1);
    const skipped = await importing(input, '--skip-bad', '--replace');
    expect(skipped.stdout).toBe('restored 2 plans\n');
    expect(skipped.stderr).toMatch(reason);
    expect(skipped.stderr).toMatch(/\nforsun: 1 line was left out\n$/);
    expect(skipped.code).toBe(1);
    expect(await to().client().listKeys()).toEqual(['a', 'b']);
  });

  test('what is no export is refused, and one without its last line told', async () => {
    const lines = (...some: string[]) => importing(`${some.join('\n')}\n`);
    expect((await lines(line('a'))).stderr).toMatch(/^forsun: line 1: it is no export/);
    expect((await lines('{"forsun_plans":2}')).stderr).toContain('this forsun reads version 1');
    expect((await lines('')).stderr).toContain('it is empty');
    const cut = await lines(begin, line('a'));
    expect(cut).toMatchObject({ stdout: 'restored 1 plan\n', code: 1 });
    expect(cut.stderr).toMatch(/^forsun: the last line of an export is missing/);
    const torn = await importing(`${begin}\n${line('b')}\n${line('c').slice(0, 40)}`, '--skip-bad');
    expect(torn).toMatchObject({ stdout: 'restored 1 plan\n', stderr: cut.stderr, code: 1 });
    const behind = await importing(`${begin}\n${end}\n${line('c').slice(0, 40)}`);
    expect(behind).toMatchObject({ stderr: cut.stderr, code: 1 });
    expect(await lines(begin, line('a'), end, begin, line('b'), end)).toMatchObject({ code: 0 });
    expect((await forsun(to().port, 'import', '/nowhere')).stderr).toContain('/nowhere');
    expect((await forsun(to().port, 'import - ; info')).code).toBe(1);
  });
});

test('who sees no secrets exports none of their plans, and is told what to do', async () => {
  const { file: tokens, of } = await aTokenFile({
    reader: { role: 'read' },
    boss: { role: 'admin' },
  });
  const from = await start('--token-file', tokens);
  const by = (token: string, ...args: string[]) =>
    forsunHere(['--port', String(from.port), ...args], { env: { FORSUN_TOKEN: token } });
  const url = 'http://me:secret@127.0.0.1:9/';
  await by(
    of.boss,
    'set',
    'a',
    '*/30',
    ...Array.from({ length: 5 }, () => '*'),
    'http',
    'http://x/',
  );
  await by(of.boss, 'set', 'b', '*/30', ...Array.from({ length: 5 }, () => '*'), 'http', url);
  const refused = await by(of.reader, 'export', '--output', file);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('secrets of the plan "b" are hidden from you');
  expect(refused.stderr).toContain('token of an admin');
  expect(existsSync(file)).toBe(false);
  expect((await by(of.boss, 'export', '--output', file, '--after', 'a')).code).toBe(0);
  expect(await readFile(file, 'utf8')).toContain(url);
  expect((await by(of.reader, 'import', file)).stderr).toContain('has the role read');
});

// More of them, or larger ones, than there is memory for.
const [many, body, heapMiB] = isNightly ? [1_000_000, '', 48] : [800, 'x'.repeat(40_000), 28];

test(
  `${many} plans move, in bounded memory, while none is lost`,
  { timeout: isNightly ? 1_800_000 : 120_000 },
  async () => {
    const from = await start();
    await makePlans(from.client(), many, body);
    const to = await start();
    const under = [process.execPath, `--max-old-space-size=${heapMiB}`, forsunFile];
    const at = (port: number, ...args: string[]) =>
      runForsun(['--port', String(port), ...args], { under });
    expect(await at(from.port, 'export', '--output', file)).toMatchObject({ code: 0 });
    const count = many.toLocaleString('en');
    expect(await at(to.port, 'import', file)).toEqual({
      ...{ stdout: `restored ${count} plans\n`, stderr: '', code: 0 },
    });
    const back = `${file}.back`;
    expect(await forsun(to.port, 'export', '--output', back)).toMatchObject({ code: 0 });
    expect((await readFile(back)).equals(await readFile(file))).toBe(true);
    expect((await emptied(to.port)).stdout).toBe(`removed ${count} plans\n`);
  },
);
