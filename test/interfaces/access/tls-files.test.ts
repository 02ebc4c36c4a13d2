import { chmod, copyFile, rm, writeFile } from 'node:fs/promises';

import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { TlsFiles, type TlsPaths } from '../../../src/interfaces/access/tls-files.ts';
import { pem, someCertificates } from '../../support/certificates.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

let file: (name: string) => string;
let log: RecordedLog;

beforeEach(async () => {
  file = await someCertificates();
  log = new RecordedLog();
});

async function open(paths: Partial<TlsPaths> = {}): Promise<TlsFiles> {
  const all = { cert: file('server.pem'), key: file('server.key'), ...paths };
  const files = await TlsFiles.open(all, new FakeClock(), log);
  onTestFinished(() => files.close());
  return files;
}

test('an authority makes client certificates a must', async () => {
  expect((await open()).options).toMatchObject({
    ...{ minVersion: 'TLSv1.2', requestCert: false, rejectUnauthorized: false },
  });
  expect((await open({ ca: file('ca.pem') })).options).toMatchObject({
    ...{ minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: true, ca: pem('ca.pem') },
  });
});

describe('a file that cannot be used is named, with what is wrong', () => {
  test.each([
    ['missing', async () => ({ cert: file('none.pem') }), /none\.pem: no such file/],
    ['a key for a certificate', async () => ({ cert: file('server.key') }), /server\.key: a cert/],
    ['a certificate for a key', async () => key('server.pem', 0o600), /server\.pem: a private key/],
    ['of another', async () => key('client.key', 0o600), /client\.key: the key is not that of/],
    ['open to others', async () => key('server.key', 0o644), /server\.key: its mode is 0644/],
    ['no authority', async () => ({ ca: file('server.key') }), /server\.key: a certificate in PEM/],
  ])('%s', async (_, paths, problem) => {
    await expect(open(await paths())).rejects.toThrow(problem);
  });

  async function key(name: string, mode: number): Promise<Partial<TlsPaths>> {
    await chmod(file(name), mode);
    return { key: file(name) };
  }
});

test('files that change are read again; while they do not fit, those before them hold', async () => {
  const files = await open();
  const told: unknown[] = [];
  files.onChange(({ cert }) => told.push(cert));
  await files.check();
  expect(told).toEqual([]);

  await copyFile(file('server-2.pem'), file('server.pem'));
  await files.check();
  expect(files.options.cert).toBe(pem('server.pem'));
  expect(log.events()).toEqual(['tls_files_unusable']);
  expect(log.lines[0]?.fields['reason']).toMatch(/the key is not that of the certificate/);

  await writeFile(file('server.key'), pem('server-2.key'));
  await files.check();
  expect(files.options.cert).toBe(pem('server-2.pem'));
  expect(told).toEqual([pem('server-2.pem')]);

  await rm(file('server.key'));
  await files.check();
  expect(files.options.cert).toBe(pem('server-2.pem'));
  expect(log.events()).toEqual(['tls_files_unusable', 'tls_files_read', 'tls_files_unusable']);
});
