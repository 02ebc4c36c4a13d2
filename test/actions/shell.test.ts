import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Action, Outcome } from '../../src/actions/action.ts';
import { shellAction, shellDefaults, type ShellSettings } from '../../src/actions/shell.ts';
import { aGate } from '../support/gate.ts';
import { processes, zombiesOf } from '../support/processes.ts';
import { fire, realClock, RecordedLog, until } from './support.ts';

let directory: string;
let log: RecordedLog;
const open: Action[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'forsun-shell-'));
  log = new RecordedLog();
});

afterEach(async () => {
  for (const action of open.splice(0)) await action.close?.();
  spawnSync('pkill', ['-KILL', '-f', directory]); // what a test has left by intent, or failing
  expect(zombiesOf(process.pid)).toEqual([]);
  rmSync(directory, { recursive: true });
});

function aShell(settings: Partial<ShellSettings> = {}, environment = process.env): Action {
  const action = shellAction(
    { ...shellDefaults, cwd: directory, ...settings },
    { clock: realClock, log, environment },
  );
  open.push(action);
  return action;
}

const survivors = (): readonly string[] => processes(directory);

const stdout = (): unknown =>
  log.lines.find(({ event }) => event === 'shell_ended')?.fields['stdout'];

describe('a command', () => {
  test('is done by exit code 0, and its output is logged', async () => {
    expect(await fire(aShell(), { cmd: 'printf hello; printf oops 1>&2' })).toEqual({
      kind: 'done',
    });
    expect(log.lines).toEqual([
      {
        event: 'shell_ended',
        fields: {
          key: 'order:42',
          fire_id: 'order:42:7:1700000000',
          attempt: 1,
          exit_code: 0,
          signal: undefined,
          stdout_bytes: 5,
          stderr_bytes: 4,
          stdout: 'hello',
          stderr: 'oops',
        },
      },
    ]);
  });

  test('that exits otherwise or by a signal has failed and is not tried again', async () => {
    const shell = aShell();
    expect(await fire(shell, { cmd: 'exit 3' })).toEqual({ kind: 'failed', reason: 'exit code 3' });
    expect(await fire(shell, { cmd: 'kill -KILL $$' })).toEqual({
      kind: 'failed',
      reason: 'ended by SIGKILL',
    });
  });

  test('sees what it is given of the environment and nothing else', async () => {
    const shell = aShell({}, { PATH: '/usr/bin:/bin', HOME: '/root', SECRET: 'x' });
    await fire(shell, { cmd: 'env | sort', env: 'a=1;b=c=d; e=; ;HOME=/elsewhere' });
    expect(String(stdout()).trim().split('\n')).toEqual(
      [
        'FORSUN_ATTEMPT=1',
        'FORSUN_FIRE_ID=order:42:7:1700000000',
        'FORSUN_KEY=order:42',
        'FORSUN_TIMESTAMP=1700000000',
        'HOME=$HOME',
        'PATH=/usr/bin:/bin',
        `PWD=${directory}`,
        'a=1',
        'b=c=d',
        'e=',
      ].sort(),
    );
  });

  test('is logged without the values of its variables, for any may be a secret', async () => {
    const env = 'TOKEN=s3cret;LONGER=s3cret-and-more;SHORT=abc';
    const cmd = 'echo "$TOKEN, $LONGER $SHORT"; echo "$TOKEN$TOKEN" >&2';
    await fire(aShell(), { cmd, env });
    const fields = log.lines.find(({ event }) => event === 'shell_ended')?.fields;
    expect(fields).toMatchObject({
      ...{ stdout: '$TOKEN, $LONGER abc\n', stdout_bytes: 28 },
      ...{ stderr: '$TOKEN$TOKEN\n', stderr_bytes: 13 },
    });
  });

  test('gets hostile keys as data, byte for byte', async () => {
    const key = `$(touch ${directory}/canary) ; '"\`\n\\ \u{1f600}`;
    await fire(aShell(), { cmd: 'printf %s "$FORSUN_KEY"' }, { key });
    expect(stdout()).toBe(key);
    expect(existsSync(join(directory, 'canary'))).toBe(false);
  });

  test('runs where its plan says, relative to where commands run by default', async () => {
    const shell = aShell();
    await fire(shell, { cmd: 'mkdir inner' });
    log.lines.length = 0;
    await fire(shell, { cmd: 'pwd', cwd: 'inner' });
    expect(stdout()).toBe(`${directory}/inner\n`);
  });

  test('reads nothing from stdin and has no terminal', async () => {
    expect(await fire(aShell(), { cmd: 'cat; ! tty -s' })).toEqual({ kind: 'done' });
  });

  test.each([
    ['missing', '/no/such/place', 'ENOENT'],
    ['a file', '/etc/passwd', 'ENOTDIR'],
    ['longer than a path may be', '/x'.repeat(4_000), 'ENAMETOOLONG'],
  ])('whose directory is %s has failed and says so', async (_, cwd, code) => {
    expect(await fire(aShell(), { cmd: 'true', cwd })).toEqual({
      kind: 'failed',
      reason: `the working directory cannot be entered (${code})`,
    });
  });

  test('that prints without end is drained, and only the first bytes are kept', async () => {
    const shell = aShell({ maxOutputBytes: 1000 });
    await fire(shell, { cmd: 'head -c 20000000 /dev/zero | tr "\\0" x' });
    const [end] = log.lines;
    expect(end?.fields).toMatchObject({ exit_code: 0, stdout_bytes: 20_000_000 });
    expect(end?.fields['stdout']).toBe('x'.repeat(1000));
  });

  test('that closes its output is waited for all the same', async () => {
    await fire(aShell(), { cmd: 'exec >&- 2>&-; sleep 0.3; touch late' });
    expect(existsSync(join(directory, 'late'))).toBe(true);
  });

  test('with a megabyte of environment runs, with too much for the system fails', async () => {
    const variables = (count: number): string =>
      Array.from({ length: count }, (_, index) => `V${index}=${'x'.repeat(100_000)}`).join(';');
    const shell = aShell();
    expect(await fire(shell, { cmd: 'true', env: variables(10) })).toEqual({ kind: 'done' });
    expect(await fire(shell, { cmd: 'true', env: variables(40) })).toEqual({
      kind: 'failed',
      reason: 'the command cannot be started (E2BIG)',
    });
  });
});

describe('what a command leaves in the background', () => {
  test('neither delays the end of the run nor is ended by it', async () => {
    const shell = aShell();
    const outcome = await fire(shell, {
      cmd: `(while [ ! -e ${directory}/go ]; do sleep 0.05; done; echo out; echo on > kept) &`,
    });
    expect(outcome).toEqual({ kind: 'done' });
    await fire(shell, { cmd: 'touch go' });
    // Its output is still taken, so the echo before the last one does not end it.
    await until(() => existsSync(join(directory, 'kept')));
    await until(() => survivors().length === 0);
  });

  test('is read from for the newest of them only, and a warning says so', async () => {
    const shell = aShell();
    const gate = await aGate(join(directory, 'gate'));
    const leaves = (n: number): Promise<Outcome> =>
      fire(shell, { cmd: `(${gate.pass}; echo out; touch ${directory}/kept${n}) &` });
    await leaves(0);
    await Promise.all(Array.from({ length: 64 }, (_, n) => leaves(n + 1)));
    const warnings = log.lines.filter(({ event }) => event !== 'shell_ended');
    expect(warnings).toEqual([{ event: 'shell_background_output_closed', fields: { limit: 64 } }]);
    await gate.let(65);
    await until(() => survivors().length === 0);
    const kept = Array.from({ length: 65 }, (_, n) => existsSync(join(directory, `kept${n}`)));
    expect(kept).toEqual([false, ...Array<boolean>(64).fill(true)]); // ended by SIGPIPE
  });
});

describe('the deadline', () => {
  /** Resolves to the outcome of a command that says when it is up, cut from then on. */
  async function cutOnceUp(shell: Action, cmd: string): Promise<Outcome> {
    const deadline = new AbortController();
    const ended = fire(shell, { cmd }, { signal: deadline.signal });
    await until(() => existsSync(join(directory, 'up')));
    deadline.abort();
    return ended;
  }

  test('ends the whole group, a hundred children and theirs', async () => {
    const child = `(tail -f ${directory}/all & tail -f ${directory}/all)`;
    const cmd = `touch all; for i in $(seq 50); do ${child} & done; sleep 0.2; touch up; wait`;
    expect(await cutOnceUp(aShell(), cmd)).toEqual({
      kind: 'failed',
      reason: 'stopped before it had ended',
    });
    expect(survivors()).toEqual([]);
  });

  test('ends a command that starts processes without end', async () => {
    const cmd = `trap "" TERM; touch up; while :; do tail -f ${directory}/up & sleep 0.01; done`;
    expect((await cutOnceUp(aShell({ killGraceSeconds: 0.3 }), cmd)).kind).toBe('failed');
    await until(() => survivors().length === 0); // SIGKILL takes a moment
  });

  test('ends a suspended command by SIGTERM, too', async () => {
    const shell = aShell({ killGraceSeconds: 3_600 });
    expect((await cutOnceUp(shell, 'touch up; kill -STOP $$')).kind).toBe('failed');
  });

  test('neither reaches nor waits for what has left the group', async () => {
    const away = `tail -f ${directory}/up`;
    const cmd = `touch up; setsid ${away} & (setsid ${away} &); ${away}`;
    const shell = aShell();
    const deadline = new AbortController();
    const ended = fire(shell, { cmd }, { signal: deadline.signal });
    await until(() => survivors().filter((command) => command === away).length === 3);
    deadline.abort();
    expect((await ended).kind).toBe('failed');
    expect(survivors()).toEqual([away, away]);
  });

  test('kills who ignores SIGTERM once the grace is over, also when the shell itself obeyed', async () => {
    const shell = aShell({ killGraceSeconds: 0.3 });
    for (const cmd of [
      `trap "" TERM; touch up; sleep 1000 & wait; sleep 1001`,
      `(trap "" TERM; touch up; exec tail -f ${directory}/up) & wait`,
    ]) {
      expect((await cutOnceUp(shell, cmd)).kind).toBe('failed');
      await until(() => survivors().length === 0); // SIGKILL takes a moment
      rmSync(join(directory, 'up'));
    }
  });

  test('leaves a command that obeys SIGTERM the time to clean up', async () => {
    const cmd = `trap 'sleep 0.2; echo clean > cleaned; exit 0' TERM; touch up; while :; do sleep 0.05; done`;
    expect((await cutOnceUp(aShell(), cmd)).kind).toBe('failed');
    expect(readFileSync(join(directory, 'cleaned'), 'utf8')).toBe('clean\n');
  });

  test('that has come before the start starts nothing', async () => {
    const outcome = await fire(aShell(), { cmd: 'touch ran' }, { signal: AbortSignal.abort() });
    expect(outcome.kind).toBe('failed');
    expect(existsSync(join(directory, 'ran'))).toBe(false);
  });
});

test('closing kills what still runs, at once', async () => {
  const shell = aShell();
  const ended = fire(shell, { cmd: `trap "" TERM; touch up; tail -f ${directory}/up` });
  await until(() => existsSync(join(directory, 'up')));
  await shell.close?.();
  expect(await ended).toEqual({ kind: 'failed', reason: 'ended by SIGKILL' });
  await until(() => survivors().length === 0);
});

test('closing leaves nothing that listens to the process', async () => {
  const before = process.listenerCount('exit');
  const shell = aShell();
  expect(process.listenerCount('exit')).toBe(before + 1);
  await shell.close?.();
  expect(process.listenerCount('exit')).toBe(before);
});

test('closing kills what is just being started, too', async () => {
  const shell = aShell();
  const ended = fire(shell, { cmd: `trap "" TERM; touch up; tail -f ${directory}/up` });
  await shell.close?.();
  expect(await ended).toEqual({ kind: 'failed', reason: 'ended by SIGKILL' });
  await until(() => survivors().length === 0);
});

test('what is fired once it is closed starts nothing', async () => {
  const shell = aShell();
  await shell.close?.();
  expect((await fire(shell, { cmd: 'touch ran' })).kind).toBe('failed');
  expect(existsSync(join(directory, 'ran'))).toBe(false);
});

test('five hundred at once all end, and leave no process and no zombie', async () => {
  const shell = aShell();
  const outcomes = await Promise.all(
    Array.from({ length: 500 }, () => fire(shell, { cmd: `: ${directory}; sleep 0.2` })),
  );
  expect(outcomes).toEqual(outcomes.map(() => ({ kind: 'done' })));
  expect(survivors()).toEqual([]);
});

describe('a plan is refused when it is made', () => {
  const refusal = (params: Record<string, string>): unknown => {
    try {
      aShell().prepare(new Map(Object.entries(params)));
    } catch (error) {
      return error;
    }
    return undefined;
  };

  test.each([
    [{}, 'the param cmd of the action shell is missing; expected a command for /bin/sh'],
    [{ cmd: '' }, 'the param cmd of the action shell is missing'],
    [{ cmd: 'echo s3cret\0' }, 'the param cmd of the action shell cannot be used; expected'],
    [{ cmd: 'x'.repeat(131_072) }, 'the param cmd of the action shell cannot be used; expected'],
    [{ cmd: 'true', cwd: '/a\0b' }, 'the param cwd of the action shell is "/a\\u0000b"; expected'],
    [{ cmd: 'true', env: 'a' }, 'the param env of the action shell cannot be used; expected NAME='],
    [{ cmd: 'true', env: '1a=s3cret' }, 'the param env of the action shell cannot be used'],
    [{ cmd: 'true', env: 'a=1\0' }, 'the param env of the action shell cannot be used'],
  ])('%j', (params, message) => {
    const error = refusal(params);
    expect(error).toMatchObject({ code: 'bad_argument' });
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain('s3cret');
  });

  test('but not for params that shell does not know', () => {
    expect(refusal({ cmd: 'true', table: 'jobs', __proto__: 'x' })).toBe(undefined);
  });
});
