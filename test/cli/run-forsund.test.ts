import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../support/forsund-with-stub-app.mjs', import.meta.url));

let home: string;
let logFile: string;
let started: ChildProcess[];

beforeAll(() => {
  const built = fileURLToPath(new URL('../../dist/cli/run-forsund.js', import.meta.url));
  if (!existsSync(built)) throw new Error('these tests run what is built: npm run build');
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'forsund-'));
  logFile = join(home, 'forsun.log');
  started = [];
});
afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(home, { recursive: true });
});

interface Forsund {
  readonly child: ChildProcess;
  out(): string;
  err(): string;
  /** Waits for text on standard output. */
  says(text: string): Promise<void>;
  readonly exitCode: Promise<number | null>;
}

function forsund(args: readonly string[], env: NodeJS.ProcessEnv = {}): Forsund {
  const child = spawn(process.execPath, [script, ...args], {
    env: { PATH: process.env['PATH'], HOME: home, ...env },
    cwd: home,
  });
  started.push(child);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const closed = once(child, 'close');
  return {
    child,
    out: () => out,
    err: () => err,
    async says(text) {
      while (!out.includes(text)) {
        await Promise.race([once(child.stdout, 'data'), closed]);
        if (child.exitCode !== null && !out.includes(text)) throw new Error(`ended; ${err}`);
      }
    },
    exitCode: closed.then(() => child.exitCode),
  };
}

async function inUse(): Promise<{ port: number; close: () => void }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as { port: number }).port, close: () => server.close() };
}

const log = (): string => readFileSync(logFile, 'utf8');

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(10);
}

describe('starting', () => {
  test('in the foreground, it says where it listens and where its store is', async () => {
    const run = forsund(['--port=0']);
    await run.says('listening');
    expect(run.out()).toMatch(
      /INFO listening address=127\.0\.0\.1:\d+ store=\S+\/\.forsun\/store /,
    );
    run.child.kill('SIGTERM');
    expect(await run.exitCode).toBe(0);
  });

  test('with a log file, it says so on standard output, and the file is its owner’s alone', async () => {
    const run = forsund(['--port=0', `--log=${logFile}`]);
    await run.says('forsund listens on 127.0.0.1:');
    expect(statSync(logFile).mode & 0o077).toBe(0);
    run.child.kill('SIGTERM');
    expect(await run.exitCode).toBe(0);
    expect(log()).toMatch(/INFO stopped\n$/);
  });

  test.each([
    ['a bad flag', ['--prot=1'], 2, 'no flag is called "--prot"; did you mean --port?'],
    ['a bad value', ['--port=x'], 2, '--port: "x" came, expected a whole number from 0 to 65535'],
    [
      'no conf file',
      ['--conf=none'],
      1,
      "the conf file cannot be read: ENOENT: no such file or directory, open 'none'",
    ],
    [
      'no place for the log',
      ['--log=/none/forsun.log'],
      1,
      '/none/forsun.log: no such file or directory',
    ],
    [
      'no such address',
      ['--bind=203.0.113.7'],
      1,
      'cannot listen on 203.0.113.7 port 6458: this machine has no such address',
    ],
  ])('%s is one line on standard error', async (_what, args, exitCode, message) => {
    const run = forsund(args);
    expect([await run.exitCode, run.err()]).toEqual([exitCode, `forsund: ${message}\n`]);
  });

  test('a port in use is one line on standard error, in the foreground and as a demon', async () => {
    const { port, close } = await inUse();
    for (const args of [[], ['--demon', `--log=${logFile}`]]) {
      const run = forsund([`--port=${port}`, ...args]);
      expect([await run.exitCode, run.err(), run.out()]).toEqual([
        1,
        `forsund: cannot listen on 127.0.0.1 port ${port}: it is in use; is a forsund running already?\n`,
        '',
      ]);
    }
    close();
  });

  test('unknown FORSUN_ variables are one warning in the log', async () => {
    const run = forsund(['--port=0'], { FORSUN_PROT: '1', FORSUN_COLOUR: '1' });
    await run.says('listening');
    run.child.kill('SIGTERM');
    await run.exitCode;
    expect(run.out().match(/ WARN .*/g)).toEqual([
      ' WARN setting warning="ignored, because no setting is called so: FORSUN_PROT (did you mean FORSUN_PORT?), FORSUN_COLOUR"',
    ]);
  });
});

describe('as a demon', () => {
  test('it returns once it listens, tells its pid, and has let go of all it was started from', async () => {
    const run = forsund(['--port=0', '--demon', '--log=forsun.log']);
    expect(await run.exitCode).toBe(0);
    const pid = Number(/^forsund started by pid (\d+)\n$/.exec(run.out())?.[1]);
    try {
      expect(log()).toMatch(/ INFO listening /);
      expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
      const [, session] =
        / \S (\d+) \d+ (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      expect(session).not.toBe(String(process.pid));
      expect(readlinkSync(`/proc/${pid}/fd/1`)).toBe('/dev/null');
    } finally {
      process.kill(pid, 'SIGTERM');
    }
    await until(() => log().includes('INFO stopped'));
  });

  test('settings that cannot be used are told before anything is started', async () => {
    const run = forsund(['--demon', '--port=x']);
    expect(await run.exitCode).toBe(2);
    expect(run.err()).toMatch(/^forsund: --port: [^\n]*\n$/);
  });
});

describe('stopping', () => {
  test('SIGINT stops it in order too', async () => {
    const run = forsund(['--port=0']);
    await run.says('listening');
    run.child.kill('SIGINT');
    expect(await run.exitCode).toBe(0);
    expect(run.out()).toMatch(/stopping signal=SIGINT\n.*closing the stub\n.*stopped\n$/);
  });

  test('a second signal ends it at once, with the number of the signal', async () => {
    const run = forsund(['--port=0'], { FORSUN_TEST_CLOSING: 'hangs' });
    await run.says('listening');
    run.child.kill('SIGINT');
    await run.says('closing the stub');
    // One that comes too soon after the first is no second one.
    const again = setInterval(() => run.child.kill('SIGTERM'), 300);
    expect(await run.exitCode.finally(() => clearInterval(again))).toBe(143);
  });

  test('one Ctrl-C that arrives twice, as below npm, is one', async () => {
    const run = forsund(['--port=0'], { FORSUN_TEST_CLOSING: 'slow' });
    await run.says('listening');
    run.child.kill('SIGINT');
    await run.says('closing the stub');
    run.child.kill('SIGINT');
    expect(await run.exitCode).toBe(0);
  });

  test('closing that fails is logged and is no success', async () => {
    const run = forsund(['--port=0'], { FORSUN_TEST_CLOSING: 'fails' });
    await run.says('listening');
    run.child.kill('SIGTERM');
    expect(await run.exitCode).toBe(1);
    expect(run.out()).toMatch(/ERROR closing_failed reason="the door is jammed"\n$/);
  });
});

test('SIGHUP opens the log anew after it was moved away', async () => {
  const run = forsund(['--port=0', `--log=${logFile}`]);
  await run.says('forsund listens');
  renameSync(logFile, `${logFile}.1`);
  run.child.kill('SIGHUP');
  await until(() => existsSync(logFile) && log().includes('log_reopened'));
  run.child.kill('SIGTERM');
  await run.exitCode;
  expect(readFileSync(`${logFile}.1`, 'utf8')).toMatch(/listening/);
});

test('a rejection that nobody caught is logged and ends it with code 1', async () => {
  const run = forsund(['--port=0', `--log=${logFile}`], { FORSUN_TEST_CLOSING: 'bug' });
  expect(await run.exitCode).toBe(1);
  expect(log()).toMatch(/ERROR stopped_by_bug origin=unhandledRejection error="Error: a bug\\n/);
  expect(run.err()).toBe('forsund: stopped by a bug: Error: a bug\n');
});

test('a reader of its output that goes away does no harm', async () => {
  const run = forsund(['--port=0']);
  await run.says('listening');
  run.child.stdout?.destroy();
  run.child.kill('SIGHUP');
  await sleep(100);
  run.child.kill('SIGTERM');
  expect(await once(run.child, 'exit')).toEqual([0, null]);
});

test('check prints what it finds, and damage is no success', async () => {
  const sound = forsund(['check', '--driver-mem-store-file=plans']);
  expect(await sound.exitCode).toBe(0);
  expect(sound.out()).toBe(`checked ${join(home, 'plans')}, repair: false\n`);
  const damaged = forsund(['check', '--repair'], { FORSUN_TEST_CLOSING: 'damaged' });
  expect(await damaged.exitCode).toBe(1);
});
