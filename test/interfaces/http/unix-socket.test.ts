import { existsSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';

import { beforeEach, expect, onTestFinished, test } from 'vitest';

import { silentLog } from '../../../src/core/log.ts';
import { TlsFiles } from '../../../src/interfaces/access/tls-files.ts';
import { bearers } from '../../../src/interfaces/http/bearer.ts';
import { someCertificates } from '../../support/certificates.ts';
import { aDirectory } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type OpenHttpDoor, openHttpDoor } from '../../support/http-door.ts';
import { anAccess } from '../../support/thrift-door.ts';
import { aTokenFile } from '../../support/token-file.ts';

let path: string;

beforeEach(async () => {
  path = join(await aDirectory(), 'http.sock');
});

const open = (overrides: Parameters<typeof openHttpDoor>[0] = {}): Promise<OpenHttpDoor> =>
  openHttpDoor(overrides, { host: `unix:${path}` });

/** The status that it is answered with who asks for keys, as of `curl --unix-socket`. */
const keys = (headers: Record<string, string> = {}): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const asked = request({ socketPath: path, path: '/v1/keys', headers }, (response) => {
      resolve(response.statusCode);
      response.resume();
    });
    asked.on('error', reject);
    asked.end();
  });

test('serves its owner, and is gone with its server', async () => {
  const door = await open();
  expect(door.address).toMatchObject({ address: `unix:${path}` });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await keys()).toBe(200);
  await door.close();
  expect(existsSync(path)).toBe(false);
});

test('asks for tokens as loopback does, and not for TLS', async () => {
  const file = await someCertificates();
  const paths = { cert: file('server.pem'), key: file('server.key'), ca: file('ca.pem') };
  const tls = await TlsFiles.open(paths, new FakeClock(), silentLog);
  onTestFinished(() => tls.close());
  const { tokens, of } = await aTokenFile({ app: { role: 'read' } });
  const access = anAccess({ tokens, anonymousRole: 'none' });
  await open({ tls, access, callerOf: bearers(access) });
  expect(await keys()).toBe(401);
  expect(await keys({ authorization: `Bearer ${of.app}` })).toBe(200);
});

test('keeps the rules for browsers, which reach it through a proxy', async () => {
  await open();
  expect(await keys({ host: 'evil.example.com' })).toBe(403);
  expect(await keys({ origin: 'http://evil.example.com' })).toBe(403);
});

test('that a server answers at, or that is none, is left as it is', async () => {
  const door = await open();
  await expect(open()).rejects.toThrow(`cannot listen on ${path}: a server answers there`);
  await door.close();
  writeFileSync(path, 'mine');
  await expect(open()).rejects.toThrow('is no socket');
  expect(existsSync(path)).toBe(true);
});
