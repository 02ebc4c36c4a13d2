import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Action, Outcome, Run } from '../../src/actions/action.ts';
import { httpAction, httpDefaults } from '../../src/actions/http.ts';
import { Secrets } from '../../src/actions/secrets.ts';
import { shellAction, shellDefaults } from '../../src/actions/shell.ts';
import { withSecrets } from '../../src/actions/with-secrets.ts';
import { badArgument, ForsunError } from '../../src/core/errors.ts';
import type { Params } from '../../src/core/plan.ts';
import { Sink } from './sink.ts';
import { fire, network, realClock, RecordedLog } from './support.ts';

let directory: string;
let outside: string;
const environment: Record<string, string> = {};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'forsun-secrets-'));
  outside = mkdtempSync(join(tmpdir(), 'forsun-outside-'));
  environment['API_TOKEN'] = 's3cret';
  environment['APP_KEY'] = 'k3y';
  environment['PATH'] = process.env['PATH'] ?? '';
});
afterEach(() => {
  for (const each of [directory, outside]) rmSync(each, { recursive: true });
});

const secrets = (): Secrets =>
  new Secrets({ variables: ['API_TOKEN', 'APP_*'], directories: [directory] }, environment);

const file = (name: string, contents: string | Buffer, where = directory): string => {
  writeFileSync(join(where, name), contents);
  return join(where, name);
};

/** An action that notes with which params it runs, and ends as it is told. */
class Noting implements Action {
  readonly name = 'noting';
  readonly maxRunsPerOrigin = 1;
  readonly timeoutSeconds = 1;
  readonly retriesDeadline = true;
  readonly judged: Params[] = [];
  readonly ran: Params[] = [];
  outcome: (params: Params, run: Run) => Promise<Outcome> = async () => ({ kind: 'done' });

  prepare(params: Params) {
    this.judged.push(params);
    if (params.get('bad') === 's3cret') throw badArgument('bad is "s3cret", expected another');
    return {
      origin: `noting:${params.get('host') ?? ''}`,
      run: (run: Run): Promise<Outcome> => {
        this.ran.push(params);
        return this.outcome(params, run);
      },
    };
  }
}

/** What one run gets of a param. */
async function given(value: string, param = 'p'): Promise<string | undefined> {
  const action = new Noting();
  expect(await fire(withSecrets(action, secrets()), { [param]: value })).toEqual({ kind: 'done' });
  return action.ran[0]?.get(param);
}

const reasonOf = async (params: Record<string, string>, action = new Noting()): Promise<string> => {
  const outcome = await fire(withSecrets(action, secrets()), params);
  return outcome.kind === 'done' ? 'done' : `${outcome.kind}: ${outcome.reason}`;
};

describe('a run gets', () => {
  test('what a variable holds', async () => {
    expect(await given('Bearer ${env:API_TOKEN}, ${env:APP_KEY}')).toBe('Bearer s3cret, k3y');
  });

  test.each([
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    ['s3cret\n\n', 's3cret\n'],
    ['  ${env:API_TOKEN}  ', '  ${env:API_TOKEN}  '],
    ['', ''],
    ['\ufeffü', '\ufeffü'],
  ])('what a file holds, without the end of its line: %j', async (contents, expected) => {
    expect(await given(`\${file:${file('a', contents)}}`)).toBe(expected);
  });

  test('what a file holds that is mounted by links, as those of Kubernetes are', async () => {
    mkdirSync(join(directory, '..2026'));
    file('..2026/token', 'linked');
    symlinkSync('..2026', join(directory, '..data'));
    symlinkSync('..data/token', join(directory, 'token'));
    expect(await given(`\${file:${directory}/token}`)).toBe('linked');
  });

  test('what is there when it begins, anew each time', async () => {
    const action = new Noting();
    const params = new Map([['p', `\${file:${file('a', 'first')}}`]]);
    const prepared = withSecrets(action, secrets()).prepare(params);
    const run = { signal: new AbortController().signal } as Run;
    await prepared.run(run);
    file('a', 'second');
    await prepared.run(run);
    expect(action.ran.map((ran) => ran.get('p'))).toEqual(['first', 'second']);
  });

  test('the characters themselves behind another $', async () => {
    expect(await given('$${env:API_TOKEN}')).toBe('${env:API_TOKEN}');
  });

  test.each([
    ['http://u:${env:APP_PW}@host/', 'http://u:a%2Fb%40c%3Fd%23e%26f@host/'],
    ['http://host/${env:APP_PW}/x', 'http://host/a/b%40c%3Fd%23e%26f/x'],
    ['http://host/?t=${env:APP_PW}', 'http://host/?t=a%2Fb%40c%3Fd%23e%26f'],
  ])('in a URL what keeps to its part of it: %s', async (value, expected) => {
    environment['APP_PW'] = 'a/b@c?d#e&f';
    expect(await given(value)).toBe(expected);
  });

  test('the other params as they are', async () => {
    const action = new Noting();
    await fire(withSecrets(action, secrets()), { a: '1', p: '${env:API_TOKEN}', b: '$2' });
    expect([...(action.ran[0] ?? [])]).toEqual([
      ['a', '1'],
      ['p', 's3cret'],
      ['b', '$2'],
    ]);
  });
});

describe('a plan is refused', () => {
  const refusal = (params: Record<string, string>): string => {
    try {
      withSecrets(new Noting(), secrets()).prepare(new Map(Object.entries(params)));
      return 'it was made';
    } catch (error) {
      return error instanceof ForsunError ? error.message : String(error);
    }
  };

  test.each(['${env:HOME}', '${env:API_TOKEN2}', '${env:APP}', '${env:api_token}'])(
    'that refers to a variable which no setting allows: %s',
    (value) => {
      expect(refusal({ p: value })).toBe(
        `the param "p" has "${value}", which no plan may have: expected a variable that --secret-env names`,
      );
    },
  );

  test('that refers to a file outside, however it says so', () => {
    const at = directory;
    for (const path of ['/etc/passwd', at, `${at}/../x`, `${at}/./x`, `${at}//x`, `${at}x/y`]) {
      expect(refusal({ p: `\${file:${path}}` })).toContain(
        'expected a file below a directory that --secret-dir names',
      );
    }
  });

  test('by its params as they stand, never by what they refer to', () => {
    const action = new Noting();
    withSecrets(action, secrets()).prepare(new Map([['bad', '${env:API_TOKEN}']]));
    expect(action.judged.map((params) => params.get('bad'))).toEqual(['${env:API_TOKEN}']);
  });

  test('that has more references than a run should read', () => {
    expect(refusal({ p: '${env:API_TOKEN}'.repeat(33) })).toBe(
      'the params have 33 references, expected at most 32',
    );
  });

  test('of a target that is itself left open', () => {
    const http = httpAction(httpDefaults, {
      ...{ clock: realClock, log: new RecordedLog(), version: '1' },
      ...network(),
    });
    for (const url of ['${env:API_TOKEN}', 'http://${env:API_TOKEN}/', 'http://a${env:APP_A}/']) {
      const prepare = () => withSecrets(http, secrets()).prepare(new Map([['url', url]]));
      expect(prepare).toThrow('the param url of the action http cannot be used');
    }
  });
});

describe('a run fails, finally, and says by which reference,', () => {
  test('when a variable is not set', async () => {
    expect(await reasonOf({ p: '${env:APP_GONE}' })).toBe('failed: ${env:APP_GONE} is not set');
  });

  test('when there is no such file', async () => {
    expect(await reasonOf({ p: `\${file:${directory}/gone}` })).toBe(
      `failed: \${file:${directory}/gone} cannot be read (ENOENT)`,
    );
  });

  test('when a file is a directory, or a pipe that nobody writes into', async () => {
    mkdirSync(join(directory, 'a'));
    execFileSync('mkfifo', [join(directory, 'b')]);
    for (const name of ['a', 'b']) {
      expect(await reasonOf({ p: `\${file:${directory}/${name}}` })).toMatch(/ is no file$/);
    }
  });

  test('when a link leads out of the directory', async () => {
    symlinkSync(file('x', 's3cret', outside), join(directory, 'a'));
    expect(await reasonOf({ p: `\${file:${directory}/a}` })).toMatch(
      / leads out of the directories that --secret-dir names$/,
    );
  });

  test('when a file is longer than any secret', async () => {
    expect(await given(`\${file:${file('a', 'x'.repeat(65_536))}}`)).toHaveLength(65_536);
    expect(await reasonOf({ p: `\${file:${file('a', 'x'.repeat(65_537))}}` })).toMatch(
      / is longer than 65536 bytes$/,
    );
  });

  test('when a file is no text', async () => {
    const path = file('a', Buffer.from([0xff]));
    expect(await reasonOf({ p: `\${file:${path}}` })).toMatch(/ is no UTF-8$/);
  });

  test('when there is such a variable only by what all objects have', async () => {
    const all = new Secrets({ variables: ['to*'], directories: [] }, environment);
    expect(await fire(withSecrets(new Noting(), all), { p: '${env:toString}' })).toEqual({
      kind: 'failed',
      reason: '${env:toString} is not set',
    });
  });

  test('when it would go elsewhere than the plan was judged by', async () => {
    expect(await reasonOf({ host: '${env:APP_KEY}' })).toBe(
      'failed: it would go elsewhere by what is in ${env:APP_KEY}',
    );
  });

  test('when its params are refused then, without a word of the refusal', async () => {
    expect(await reasonOf({ bad: '${env:API_TOKEN}' })).toBe(
      'failed: its params cannot be used with what is in ${env:API_TOKEN}',
    );
  });
});

test('a run is tried again when the disk fails to read a file, and says by which reference', async () => {
  // The first page of a process is never there to be read.
  const own = new Secrets({ variables: [], directories: ['/proc/self'] });
  const outcome = await fire(withSecrets(new Noting(), own), { p: '${file:/proc/self/mem}' });
  expect(outcome).toEqual({
    kind: 'retry',
    reason: '${file:/proc/self/mem} cannot be read (EIO)',
  });
});

describe('what a reference stands for', () => {
  test('is taken out of the reason of a run', async () => {
    const action = new Noting();
    environment['APP_KEY'] = 'a b';
    action.outcome = async () => ({ kind: 'retry', reason: 'no s3cret at a%20b, a b' });
    expect(await reasonOf({ p: '${env:API_TOKEN}', q: '${env:APP_KEY}' }, action)).toBe(
      'retry: no ${env:API_TOKEN} at ${env:APP_KEY}, ${env:APP_KEY}',
    );
  });

  test('is taken out of what an action throws', async () => {
    const action = new Noting();
    action.outcome = async () => Promise.reject(new TypeError('s3cret'));
    expect(await reasonOf({ p: '${env:API_TOKEN}' }, action)).toBe(
      'failed: the action broke: TypeError: ${env:API_TOKEN}',
    );
  });

  test('reaches an HTTP server, and a command by its variables alone', async () => {
    const sink = await Sink.open();
    const deps = { clock: realClock, log: new RecordedLog(), environment };
    const http = httpAction(httpDefaults, { ...deps, ...network(), version: '1' });
    const bearer = { header_authorization: 'Bearer ${env:API_TOKEN}' };
    expect(await fire(withSecrets(http, secrets()), { url: sink.url, ...bearer })).toEqual({
      kind: 'done',
    });
    expect(sink.received[0]?.headers.authorization).toBe('Bearer s3cret');
    await http.close?.();
    await sink.close();

    const shell = withSecrets(shellAction(shellDefaults, deps), secrets());
    const env = 'TOKEN=${env:API_TOKEN}';
    const cmd = `test "$TOKEN" = s3cret`;
    expect(await fire(shell, { cmd, env })).toEqual({ kind: 'done' });
    expect(await fire(shell, { cmd: ': ${env:API_TOKEN}' })).toMatchObject({ kind: 'failed' });
    expect(JSON.stringify(deps.log.lines)).not.toContain('s3cret');
    await shell.close?.();
  });

  test('is not waited for beyond the deadline of the run', async () => {
    class Hanging extends Secrets {
      override read(): Promise<string> {
        return new Promise(() => undefined);
      }
    }
    const hanging = new Hanging({ variables: ['A'], directories: [] });
    const deadline = new AbortController();
    const ended = fire(
      withSecrets(new Noting(), hanging),
      { p: '${env:A}' },
      {
        signal: deadline.signal,
      },
    );
    deadline.abort(new Error('the deadline'));
    expect(await ended).toEqual({
      kind: 'retry',
      reason: 'a file of its params was not read in time',
    });
  });
});

test('a plan without references is prepared as it is', () => {
  const action = new Noting();
  const params = new Map([['p', '$x {env:A}']]);
  withSecrets(action, secrets()).prepare(params);
  expect(action.judged[0]).toBe(params);
});
