import { connect as connectTls, type ConnectionOptions } from 'node:tls';

import { Agent, fetch } from 'undici';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import type { AccessRules } from '../../../src/interfaces/access/access.ts';
import { TlsFiles } from '../../../src/interfaces/access/tls-files.ts';
import { bearers } from '../../../src/interfaces/http/bearer.ts';
import { opsRoutes } from '../../../src/interfaces/http/ops.ts';
import { v1Routes } from '../../../src/interfaces/http/v1/routes.ts';
import { Counters } from '../../../src/metrics/counters.ts';
import { Exposition } from '../../../src/metrics/exposition.ts';
import { httpDefaults } from '../../../src/interfaces/http/settings.ts';
import { v2Routes } from '../../../src/interfaces/http/v2/routes.ts';
import { pem, someCertificates } from '../../support/certificates.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { openHttpDoor } from '../../support/http-door.ts';
import { RawClient } from '../../support/raw-client.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { anAccess } from '../../support/thrift-door.ts';
import { aTokenFile, type GivenTokens } from '../../support/token-file.ts';

let given: GivenTokens<'reader' | 'writer'>;

beforeEach(async () => {
  given = await aTokenFile({ reader: { role: 'read' }, writer: { role: 'write' } });
});

function open(rules: Partial<AccessRules> = { tokens: given.tokens, anonymousRole: 'none' }) {
  const counters = new Counters();
  const access = anAccess(rules, { counters });
  return openHttpDoor({ access, callerOf: bearers(access), counters });
}

const bearing = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test('a request is whoever its bearer token stands for', async () => {
  const door = await open();
  const reader = await door.fetch('/v1/keys', bearing(given.of.reader));
  expect(reader.status).toBe(200);
  const refused = await door.fetch('/v1/plan?key=k', {
    method: 'DELETE',
    ...bearing(given.of.reader),
  });
  expect(refused.status).toBe(403);
  expect(await refused.text()).toContain('reader has the role read, this takes write');
  expect(door.counters.value('refused_not_allowed_count')).toBe(1);
});

test.each([
  ['nothing', {}, 'Bearer realm="forsund"'],
  ['an empty token', { authorization: 'Bearer' }, 'Bearer realm="forsund", error="invalid_token"'],
  ['another scheme', { authorization: 'Basic eDp5' }, /error="invalid_token"/],
  ['a wrong token', { authorization: 'Bearer forsun_x' }, /error="invalid_token"/],
])('who brings %s is asked for a token', async (_, headers, challenge) => {
  const door = await open();
  const response = await door.fetch('/v1/info', { headers });
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toMatch(challenge);
});

test('whoever is served may ping, but not with a wrong token', async () => {
  const door = await open();
  expect((await door.fetch('/v1/ping')).status).toBe(200);
  expect((await door.fetch('/v1/ping', bearing('forsun_wrong'))).status).toBe(401);
});

test('each refusal of what a caller may not have is counted once, whatever part of the bridge it asks', async () => {
  const counters = new Counters();
  const access = anAccess({ tokens: given.tokens, anonymousRole: 'none' }, { counters });
  const metrics = new Exposition([]);
  const ok = { ok: true };
  const checks = { store: ok, clock: ok, due: ok, loop: ok };
  const ops = opsRoutes({ metrics, readiness: () => ({ ready: true, checks }) });
  const routes = [v1Routes(httpDefaults), v2Routes(httpDefaults), ops];
  const door = await openHttpDoor({ access, callerOf: bearers(access), counters, routes });
  const removals = ['/v1/plan?key=k', '/v2/plans/k'].map((path) => [path, 'DELETE'] as const);
  const reads = ['/v1/keys', '/v2/plans', '/v2/openapi.json', '/metrics'];
  const asked = [...removals, ...reads.map((path) => [path, 'GET'] as const)];
  for (const [index, [path, method]] of asked.entries()) {
    expect((await door.fetch(path, { method })).status).toBe(401);
    expect(counters.value('refused_not_allowed_count')).toBe(index + 1);
  }
  for (const [path, method] of removals) {
    expect((await door.fetch(path, { method, ...bearing(given.of.reader) })).status).toBe(403);
  }
  expect(counters.value('refused_not_allowed_count')).toBe(asked.length + removals.length);
  expect((await door.fetch('/readyz')).status).toBe(200);
  await door.fetch('/v1/keys', bearing('forsun_wrong'));
  expect(counters.value('refused_not_allowed_count')).toBe(asked.length + removals.length);
  expect(counters.value('tokens_refused_count')).toBe(1);
});

test('/v2 asks for a token, and says of one that may not which error that is', async () => {
  const access = anAccess({ tokens: given.tokens, anonymousRole: 'read' });
  const routes = [v2Routes(httpDefaults)];
  const door = await openHttpDoor({ access, callerOf: bearers(access), routes });
  const remove = (init: RequestInit) => door.fetch('/v2/plans/k', { method: 'DELETE', ...init });
  const asked = await remove({});
  expect([asked.status, asked.headers.get('www-authenticate')]).toEqual([
    401,
    'Bearer realm="forsund"',
  ]);
  const refused = await remove(bearing(given.of.reader));
  expect(refused.status).toBe(403);
  expect(await refused.json()).toMatchObject({ code: 1010, name: 'not_allowed' });
  expect((await remove(bearing(given.of.writer))).status).toBe(404);
});

test('who guesses has to wait', async () => {
  const door = await open();
  const statuses: number[] = [];
  for (let guess = 0; guess < 11; guess++) {
    statuses.push((await door.fetch('/v1/ping', bearing(`forsun_${guess}`))).status);
  }
  expect(statuses).toEqual([...Array<number>(10).fill(401), 429]);
  const response = await door.fetch('/v1/ping', bearing(given.of.reader));
  expect(response.headers.get('retry-after')).toBe('6');
  expect(await response.json()).toMatchObject({ errcode: 1010 });
});

test('without a token file everybody may do all, whatever token they bring', async () => {
  const door = await open({});
  expect((await door.fetch('/v1/ping')).status).toBe(200);
  expect((await door.fetch('/v1/ping', bearing('anything'))).status).toBe(200);
});

describe('over TLS', () => {
  async function openTls(asks: { ca?: string } = {}) {
    const file = await someCertificates();
    const log = new RecordedLog();
    const authority = asks.ca === undefined ? {} : { ca: file(asks.ca) };
    const paths = { cert: file('server.pem'), key: file('server.key'), ...authority };
    const tls = await TlsFiles.open(paths, new FakeClock(), log);
    onTestFinished(() => tls.close());
    const access = anAccess({ tokens: given.tokens, anonymousRole: 'none' });
    const door = await openHttpDoor({
      access,
      callerOf: bearers(access),
      tls,
      log,
    });
    const ask = (path: string, shown: { cert?: string; key?: string } = {}) => {
      const dispatcher = new Agent({ connect: { ca: pem('ca.pem'), ...shown } });
      onTestFinished(() => dispatcher.destroy());
      const { headers } = bearing(given.of.reader);
      return fetch(`https://localhost:${door.port}${path}`, { dispatcher, headers });
    };
    return { door, ask, log };
  }

  test('requests are answered', async () => {
    const { door, ask } = await openTls();
    expect((await ask('/v1/ping')).status).toBe(200);
    expect(door.counters.value('http_connected_count')).toBe(1);
  });

  test('one who sends FIN behind his request is answered, in the middle of his handshake he is gone', async () => {
    const { door, log } = await openTls();
    const gone = new RawClient(door.port);
    gone.send('1603');
    gone.socket.end();
    await gone.closed;
    const socket = connectTls({
      ...{ host: '127.0.0.1', port: door.port, ca: pem('ca.pem') },
      allowHalfOpen: true,
    } as ConnectionOptions);
    onTestFinished(() => void socket.destroy());
    socket.end('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const reply = await new Promise((resolve) => socket.once('data', resolve));
    expect(String(reply)).toMatch(/^HTTP\/1\.1 404 /);
    expect(log.lines).toEqual([]);
  });

  test('a client shows a certificate where one is asked for', async () => {
    const { ask, log } = await openTls({ ca: 'ca.pem' });
    const shown = { cert: pem('client.pem'), key: pem('client.key') };
    expect((await ask('/v1/ping', shown)).status).toBe(200);
    await expect(ask('/v1/ping')).rejects.toThrow();
    expect(log.lines).toMatchObject([
      { event: 'tls_handshake_failed', fields: { reason: 'it showed no client certificate' } },
    ]);
  });

  test('one of another authority is not let in, and the log says whose it was', async () => {
    const { ask, log } = await openTls({ ca: 'ca.pem' });
    const shown = { cert: pem('stranger.pem'), key: pem('stranger.key') };
    await expect(ask('/v1/ping', shown)).rejects.toThrow();
    const reason = 'its certificate is not accepted: DEPTH_ZERO_SELF_SIGNED_CERT';
    expect(log.lines).toMatchObject([{ fields: { peer: '127.0.0.1', reason } }]);
  });

  test('who speaks without is closed, and the log says so', async () => {
    const { door, log } = await openTls();
    const plain = new RawClient(door.port);
    plain.send(Buffer.from('GET /v1/ping HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    await plain.closed;
    expect(log.lines).toMatchObject([
      {
        event: 'tls_handshake_failed',
        fields: { reason: 'it speaks without TLS, which this port has' },
      },
    ]);
    const silent = new RawClient(door.port);
    await new Promise((resolve) => silent.socket.on('connect', resolve));
    await door.close();
    await silent.closed;
  });
});
