import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';

import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';

import { pem, someCertificates } from '../support/certificates.ts';
import { aDirectory } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { aStore, ForsundProcess, runForsund } from '../support/forsund-process.ts';
import { runForsun } from '../support/run-forsun.ts';

vi.setConfig({ testTimeout: 60_000 });

const run = promisify(execFile);

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
  writeFileSync(join(directory, 'token'), token, { mode: 0o600 });
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

test('SIGHUP brings new certificates to both ports, as strict as before, and cuts nobody off', async () => {
  const file = await someCertificates();
  const tls = ['--tls-cert', file('server.pem'), '--tls-key', file('server.key')];
  const forsund = await start(...tls, '--tls-ca', file('ca.pem'), '--http', '127.0.0.1:0');
  const client = { cert: pem('client.pem'), key: pem('client.key') };
  const shake = (port: number, shown: ConnectionOptions = client): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, ca: pem('ca.pem'), ...shown });
      onTestFinished(() => void socket.destroy());
      socket.on('secureConnect', () => resolve(socket)).on('error', reject);
    });
  const nameAt = async (port: number): Promise<unknown> =>
    (await shake(port)).getPeerCertificate().subject.CN;
  const ports = [forsund.port, forsund.httpPort];
  const before = await shake(forsund.port);
  expect(await Promise.all(ports.map(nameAt))).toEqual(['server', 'server']);

  copyFileSync(file('server-2.pem'), file('server.pem'));
  copyFileSync(file('server-2.key'), file('server.key'));
  forsund.signal('SIGHUP');
  await eventually(() => forsund.output.includes('tls_files_read'));
  expect(await Promise.all(ports.map(nameAt))).toEqual(['server-2', 'server-2']);
  expect(before.destroyed).toBe(false);
  for (const port of ports) {
    await expect(
      shake(port, { ...client, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }),
    ).rejects.toThrow();
    await expect(shake(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/handshake failure|alert/);
  }
});

describe('forsund health', () => {
  const ask = (args: readonly string[]) => runForsund({ store, args: ['health', ...args] });

  async function settings(...tls: [cert: string, ca: string] | []): Promise<readonly string[]> {
    const file = await someCertificates();
    const tokens = join(directory, 'tokens');
    writeFileSync(tokens, '', { mode: 0o600 });
    const [cert = '', ca = ''] = tls.map(file);
    const key = cert.replace(/pem$/, 'key');
    return [
      ...['--token-file', tokens],
      ...(cert === '' ? [] : ['--tls-cert', cert, '--tls-key', key, '--tls-ca', ca]),
    ];
  }

  test.each([
    ['tokens', []],
    ['client certificates of the authority that signed its own', ['server.pem', 'ca.pem']],
    ['those of another', ['server.pem', 'stranger.pem']],
  ] as const)('needs nothing of a server that asks for %s', async (_, tls) => {
    const its = await settings(...tls);
    const forsund = await start(...its);
    const { port } = forsund;
    expect(await ask([...its, '--port', String(port)])).toEqual({
      ...{ code: 0, signal: null, stderr: '' },
      stdout: `forsund answers at 127.0.0.1:${port}\n`,
    });
    expect(forsund.output).not.toContain('call_not_allowed');
  });

  test('finds the server on its Unix socket, and among all addresses', async () => {
    const path = `unix:${join(directory, 'forsun.sock')}`;
    const onSocket = await start('--bind', path);
    expect(await ask(['--bind', path])).toMatchObject({ code: 0, stderr: '' });
    await onSocket.kill('SIGTERM');
    const { port } = await start();
    expect(await ask(['--bind', '0.0.0.0', '--port', String(port)])).toMatchObject({ code: 0 });
  });

  test('fails when nobody answers, and when it cannot know where', async () => {
    const its = await settings('server.pem', 'ca.pem');
    const forsund = await start(...its);
    const asked = [...its, '--port', String(forsund.port)];
    forsund.signal('SIGSTOP');
    const hung = await ask(asked);
    expect([hung.code, hung.stdout]).toEqual([1, '']);
    expect(hung.stderr).toContain('no answer within 3000 ms');
    await forsund.kill('SIGKILL');
    const gone = await ask(asked);
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain('connection refused');
    const lost = await ask(its);
    expect(lost.code).toBe(2);
    expect(lost.stderr).toContain('health needs to know the --port, 0 came');
  });

  test('is what the image runs, with the settings of its server', async () => {
    const [, check = ''] =
      /^HEALTHCHECK .*CMD (.+)$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? [];
    const [command = '', ...args] = JSON.parse(check) as string[];
    const { port } = await start(...(await settings()));
    const { status, stdout } = spawnSync(resolve('bin', command), args, {
      env: {
        PATH: `${resolve('bin')}${delimiter}${process.env['PATH'] ?? ''}`,
        FORSUN_PORT: `${port}`,
      },
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, `forsund answers at 127.0.0.1:${port}\n`]);
  });
});

test('curl reaches the bridge on a Unix socket, where commands run', async () => {
  const path = join(directory, 'http.sock');
  const ran = join(directory, 'ran');
  const forsund = await start('--bind', `unix:${join(directory, 's')}`, '--http', `unix:${path}`);
  const plan = { key: 'k', count: 1, params: { cmd: `touch ${ran}` } };
  const words = ['--unix-socket', path, '-X', 'PUT', 'http://localhost/v1/plan'];
  const body = ['-H', 'Content-Type: application/json', '-d', JSON.stringify(plan)];
  expect((await run('curl', ['-s', ...words, ...body])).stdout).toContain('"errcode":0');
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

  test('on one socket for both doors', async () => {
    const both = `unix:${join(directory, 's')}`;
    const { code, stderr } = await runForsund({ store, args: ['--bind', both, '--http', both] });
    expect(code).toBe(1);
    expect(stderr).toContain('a server answers there');
  });
});
