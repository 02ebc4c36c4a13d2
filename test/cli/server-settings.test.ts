import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { beforeEach, describe, expect, test } from 'vitest';

import { readOptions } from '../../src/cli/options.ts';
import { serverSettings } from '../../src/cli/server-settings.ts';
import { pem, someCertificates } from '../support/certificates.ts';
import { aDirectory } from '../support/database.ts';

let home: string;
let config: string;

beforeEach(async () => {
  home = await aDirectory();
  config = join(home, 'forsun', 'config');
  await mkdir(dirname(config));
});

const settings = (flags: Record<string, string> = {}, env: NodeJS.ProcessEnv = {}) =>
  serverSettings((flag) => flags[flag], { XDG_CONFIG_HOME: home, ...env });

const configured = (text: string): Promise<void> => writeFile(config, text, { mode: 0o600 });

const local = { host: '127.0.0.1', port: 6458 };

test('nothing told is this machine, without TLS and token', () => {
  expect(settings()).toEqual(local);
  expect(settings({}, { FORSUN_HOST: '', FORSUN_PORT: 'tcp://10.0.0.1:6458' })).toEqual(local);
});

test('flags go before the environment, and it before the file', async () => {
  await configured('# mine\nhost = a\nport: 1\ntoken = file-token\n');
  expect(settings()).toEqual({ host: 'a', port: 1, token: 'file-token' });
  expect(settings({}, { FORSUN_PORT: '2', FORSUN_TOKEN: 'env-token' })).toEqual({
    ...{ host: 'a', port: 2, token: 'env-token' },
  });
  await writeFile(join(home, 'token'), ' flag-token\n', { mode: 0o640 });
  const flags = { port: '3', 'token-file': join(home, 'token') };
  expect(settings(flags, { FORSUN_PORT: '2', FORSUN_TOKEN: 'env-token' })).toEqual({
    ...{ host: 'a', port: 3, token: 'flag-token' },
  });
});

test('the token of the file goes to no other host than the file’s', async () => {
  await configured('host = a\ntoken = file-token\n');
  expect(settings({ host: 'b' })).toEqual({ host: 'b', port: 6458 });
  expect(settings({}, { FORSUN_HOST: 'b', FORSUN_TOKEN: 't' })).toMatchObject({ token: 't' });
  expect(settings({ host: 'a', port: '9' })).toMatchObject({ token: 'file-token' });
});

test('unix:/path is a socket, wherever it is told', async () => {
  expect(settings({ host: 'unix:/run/a.sock' })).toEqual({ path: '/run/a.sock' });
  await configured('host = unix:/run/b.sock');
  expect(settings()).toEqual({ path: '/run/b.sock' });
});

describe('TLS', () => {
  const names = { ca: 'ca.pem', cert: 'client.pem', key: 'client.key' };

  beforeEach(async () => {
    for (const [name, file] of Object.entries(names)) {
      await writeFile(join(dirname(config), name), pem(file), { mode: 0o600 });
    }
  });

  test('is spoken when asked for, or when one of its files is named', async () => {
    expect(settings({ tls: 'yes' })).toEqual({ ...local, tls: {} });
    expect(settings({}, { FORSUN_CLIENT_TLS: 'on' })).toEqual({ ...local, tls: {} });
    await configured('tls_ca = ca\ntls_cert = cert\ntls_key = key\n');
    const tls = { ca: pem('ca.pem'), cert: pem('client.pem'), key: pem('client.key') };
    expect(settings()).toEqual({ ...local, tls });
    expect(settings({ tls: 'no' })).toEqual(local);
  });

  test('of the server’s own settings is not the client’s', () => {
    const env = { FORSUN_TLS_CERT: '/none', FORSUN_TLS_KEY: '/none', FORSUN_TOKEN_FILE: '/none' };
    expect(settings({}, env)).toEqual(local);
  });

  test.each([
    [{ tls: 'maybe' }, '--tls: "maybe" came, expected yes or no'],
    [{ 'tls-cert': 'package.json' }, '(--tls-cert) and its key (--tls-key) go together'],
    [{ 'tls-ca': '/nowhere/ca.pem' }, 'cannot read /nowhere/ca.pem: no such file'],
    [{ 'tls-ca': '/dev' }, 'cannot read /dev: it is a directory'],
    [{ 'tls-ca': 'package.json' }, '--tls-ca: a certificate in PEM was expected in package.json'],
  ])('%j is refused', (flags: Record<string, string>, problem) => {
    expect(() => settings(flags)).toThrow(problem);
  });
});

test('files for TLS that are not what they should be are refused by name', async () => {
  const file = await someCertificates();
  const refused = (cert: string, key: string, problem: string): void => {
    const flags = { 'tls-cert': file(cert), 'tls-key': file(key) };
    expect(() => settings(flags)).toThrow(problem);
  };
  refused('client.key', 'client.key', '--tls-cert: a certificate in PEM was expected in /');
  refused('client.pem', 'client.pem', 'client.pem: it is a secret and others may read or change');
  await chmod(file('client.pem'), 0o600);
  refused('client.pem', 'client.pem', '--tls-key: a private key in PEM, without a passphrase, was');
  refused('client.pem', 'server.key', `server.key is not the key of ${file('client.pem')}`);
});

test('a token has no flag, for everybody may list processes; it is told which one to take', () => {
  const read = () => readOptions(['--token', 'my-token', 'ls'], { XDG_CONFIG_HOME: home });
  expect(read).toThrow(/^no flag is called "--token"; did you mean --token-file\?$/);
});

test('a token that others may read or change is refused', async () => {
  const file = join(home, 'token');
  await writeFile(file, 'a-token');
  for (const mode of [0o604, 0o620, 0o602]) {
    await chmod(file, mode);
    const read = () => settings({}, { FORSUN_CLIENT_TOKEN_FILE: file });
    expect(read).toThrow(`${file}: it is a secret and others may read or change it; chmod 600 it`);
  }
});

describe('a config file that cannot be used is refused', () => {
  test.each([
    ['port = http', 'a port is a number from 1 to 65535, not "http"'],
    ['hots = a', 'config:1: no setting is called "hots"; did you mean host?'],
    ['host = a\n[store]\nport = 1', 'config:3: there are no sections here'],
    ['token = a b', /token in .*config: a token was expected, 1 to 100 visible/],
    ['token_file = none', /cannot read .*\/forsun\/none: no such file/],
  ])('%j', async (text, problem) => {
    await configured(text);
    expect(() => settings()).toThrow(problem);
  });

  test('when others may read the token in it', async () => {
    await configured('token = secret-token');
    await chmod(config, 0o640);
    expect(() => settings()).toThrow(/it holds a token and others may read it; chmod 600/);
    await configured('host = a');
    expect(settings()).toEqual({ host: 'a', port: 6458 });
  });
});
