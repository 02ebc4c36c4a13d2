import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, describe, expect, test, vi } from 'vitest';

import { someCertificates } from '../support/certificates.ts';
import { aDirectory } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { aStore, ForsundProcess, runForsund } from '../support/forsund-process.ts';
import { runForsun } from '../support/run-forsun.ts';

vi.setConfig({ testTimeout: 60_000 });

let directory: string;
let store: string;

beforeEach(async () => {
  directory = await aDirectory();
  store = await aStore();
});

const start = (...args: string[]): Promise<ForsundProcess> => ForsundProcess.start({ store, args });

/** What forsund token prints. */
async function aToken(tokens: string, ...words: string[]): Promise<string> {
  const args = ['token', ...words, '--token-file', tokens];
  const { code, stdout, stderr } = await runForsund({ store, args });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trim();
}

test('forsun reaches a server that wants TLS and a token, until its line is taken out', async () => {
  const file = await someCertificates();
  const tokens = join(directory, 'tokens');
  const token = await aToken(tokens, 'orders', 'write', 'keys=order-');
  const tls = ['--tls-cert', file('server.pem'), '--tls-key', file('server.key')];
  const forsund = await start('--token-file', tokens, ...tls);
  writeFileSync(join(directory, 'token'), token);
  const env = { FORSUN_CLIENT_TLS_CA: file('ca.pem'), FORSUN_PORT: String(forsund.port) };
  const forsun = (...args: string[]) => runForsun(args, { env });
  const bring = ['--token-file', join(directory, 'token')];

  expect((await forsun('ls')).stderr).toContain('needs a token');
  const made = await forsun(...bring, 'set order-1 */60 * * * * * http http://127.0.0.1:9/');
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect((await forsun(...bring, 'ls order-')).stdout).toContain('order-1');
  expect((await forsun(...bring, 'rm other')).stderr).toContain('kept to keys');

  writeFileSync(tokens, '');
  forsund.signal('SIGHUP');
  await eventually(() => forsund.output.includes('token_file_read'));
  expect((await forsun(...bring, 'ls order-')).stderr).toContain(
    'the token is none of this server',
  );
  expect(forsund.output).not.toContain(token);
});

test('forsun reaches a server on a Unix socket, where commands run', async () => {
  const path = join(directory, 'forsun.sock');
  const ran = join(directory, 'ran');
  const forsund = await start('--bind', `unix:${path}`);
  const set = `set k */1 * * * * * shell 'touch ${ran}'`;
  expect(await runForsun([set], { env: { FORSUN_HOST: `unix:${path}` } })).toMatchObject({
    ...{ code: 0, stderr: '' },
  });
  await eventually(() => existsSync(ran));
  await forsund.kill('SIGTERM');
  expect(existsSync(path)).toBe(false);
});

describe('a server does not start', () => {
  test.each([
    ['with a certificate and no key', ['--tls-cert', 'a'], '--tls-cert and --tls-key go together'],
    ['with an authority alone', ['--tls-ca', 'a'], '--tls-ca goes with --tls-cert and --tls-key'],
    ['without its token file', ['--token-file', '/nowhere/t'], '/nowhere/t: no such file'],
    ['for nobody', ['--anonymous-role', 'none'], '--anonymous-role none goes with --token-file'],
    [
      'on a socket in no directory',
      ['--bind', 'unix:/nowhere/s'],
      'cannot listen on /nowhere/s: its directory is not there',
    ],
  ])('%s', async (_, args, problem) => {
    const { code, stderr } = await runForsund({ store, args });
    expect(code).toBe(1);
    expect(stderr).toContain(problem);
  });
});
