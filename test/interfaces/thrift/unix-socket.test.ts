import { existsSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { beforeEach, expect, onTestFinished, test } from 'vitest';

import { ForsunClient } from '../../../src/client/forsun-client.ts';
import { TlsFiles } from '../../../src/interfaces/access/tls-files.ts';
import { someCertificates } from '../../support/certificates.ts';
import { aDirectory } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLog } from '../../../src/core/log.ts';
import { openThriftDoor } from '../../support/thrift-door.ts';
import { aTokenFile } from '../../support/token-file.ts';
import { anAccess } from '../../support/thrift-door.ts';

let path: string;

beforeEach(async () => {
  path = join(await aDirectory(), 'forsun.sock');
});

async function open(overrides: Parameters<typeof openThriftDoor>[0] = {}) {
  const door = await openThriftDoor(overrides, { host: `unix:${path}` });
  onTestFinished(() => door.close());
  return door;
}

function client(token?: string): ForsunClient {
  const made = new ForsunClient({ path, ...(token === undefined ? {} : { token }) });
  onTestFinished(() => made.close());
  return made;
}

test('serves its owner, and is gone with its server', async () => {
  const door = await open();
  expect(door.address).toMatchObject({ address: `unix:${path}` });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await client().createTimeout({ key: 'k', second: 5 });
  expect(await client().getKeys()).toEqual(['k']);
  await door.close();
  expect(existsSync(path)).toBe(false);
});

test('asks for tokens as loopback does, and not for TLS', async () => {
  const file = await someCertificates();
  const paths = { cert: file('server.pem'), key: file('server.key'), ca: file('ca.pem') };
  const tls = await TlsFiles.open(paths, new FakeClock(), silentLog);
  onTestFinished(() => tls.close());
  const { tokens, of } = await aTokenFile({ app: { role: 'read' } });
  await open({ tls, access: anAccess({ tokens, anonymousRole: 'none' }) });
  await expect(client().info()).rejects.toThrow('needs a token');
  await client(of.app).info();
});

test('that a killed server left is replaced', async () => {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(existsSync(path)).toBe(true);
  await open();
  await client().ping();
});

test('that a server answers at is not', async () => {
  await open();
  await expect(openThriftDoor({}, { host: `unix:${path}` })).rejects.toThrow(
    `cannot listen on ${path}: a server answers there`,
  );
  await client().ping();
});

test('what is no socket is left as it is', async () => {
  writeFileSync(path, 'mine');
  await expect(openThriftDoor({}, { host: `unix:${path}` })).rejects.toThrow('is no socket');
  expect(existsSync(path)).toBe(true);
});

test('a client says where it looked', async () => {
  await expect(client().info()).rejects.toThrow(`cannot reach forsund at unix:${path}: `);
});
