import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Action } from '../../src/actions/action.ts';
import { httpAction, httpDefaults, type HttpSettings } from '../../src/actions/http.ts';
import { RawServer, Sink } from './sink.ts';
import { aRun, fire, network, realClock, RecordedLog, until } from './support.ts';

let sink: Sink;
let log: RecordedLog;
const open: (() => Promise<void> | undefined)[] = [];

beforeEach(async () => {
  sink = await Sink.open();
  log = new RecordedLog();
});

afterEach(async () => {
  for (const close of open.splice(0)) await close();
  await sink.close();
});

function anHttp(settings: Partial<HttpSettings> = {}): Action {
  const action = httpAction(
    { ...httpDefaults, ...settings },
    { clock: realClock, log, version: '9.8.7', ...network() },
  );
  open.push(() => action.close?.());
  return action;
}

async function aRawServer(serve: Parameters<typeof RawServer.open>[0]): Promise<RawServer> {
  const server = await RawServer.open(serve);
  open.push(() => server.close());
  return server;
}

async function anotherSink(): Promise<Sink> {
  const another = await Sink.open();
  open.push(() => another.close());
  return another;
}

describe('a request', () => {
  test('is a GET that says which firing it is', async () => {
    expect(await fire(anHttp(), { url: `${sink.url}/call?me=1#not-this` })).toEqual({
      kind: 'done',
    });
    expect(sink.received).toMatchObject([
      {
        method: 'GET',
        path: '/call?me=1',
        body: '',
        headers: {
          host: `127.0.0.1:${sink.port}`,
          'user-agent': 'forsun/9.8.7',
          'x-forsun-timestamp': '1700000000',
          'x-forsun-key': 'order:42',
          'x-forsun-fire-id': 'order:42:7:1700000000',
          'x-forsun-attempt': '1',
        },
      },
    ]);
    expect(sink.received[0]?.headers).not.toHaveProperty('content-length');
    expect(sink.received[0]?.headers).not.toHaveProperty('content-type');
  });

  test.each(['get', 'Post', 'PUT', 'delete', 'head', 'patch', 'options'])(
    'takes the method %s in any case, with a body, an empty one, and none',
    async (method) => {
      const http = anHttp();
      for (const params of [{}, { body: '' }, { body: 'text=é' }]) {
        expect(await fire(http, { url: sink.url, method, ...params })).toEqual({ kind: 'done' });
      }
      expect(sink.received.map((request) => [request.method, request.body])).toEqual([
        [method.toUpperCase(), ''],
        [method.toUpperCase(), ''],
        [method.toUpperCase(), 'text=é'],
      ]);
      expect(sink.received[2]?.headers['content-length']).toBe('7');
    },
  );

  test('by POST is a form unless it says otherwise, by any other method nothing', async () => {
    const http = anHttp();
    await fire(http, { url: sink.url, method: 'POST', body: 'a=1' });
    await fire(http, { url: sink.url, method: 'POST', 'header_content-type': 'text/x' });
    await fire(http, { url: sink.url, method: 'PUT', body: 'a=1' });
    expect(sink.received.map(({ headers }) => headers['content-type'])).toEqual([
      'application/x-www-form-urlencoded',
      'text/x',
      undefined,
    ]);
  });

  test('carries the headers of its plan, in UTF-8, but never its own framing twice', async () => {
    await fire(anHttp(), {
      url: sink.url,
      method: 'POST',
      body: 'four',
      header_Host: 'virtual.example:81',
      'header_X-Token': ' t=1; é ',
      header_Connection: 'keep-alive',
      'header_Content-Length': '999',
      header_Empty: '',
      user_agent: 'mine/1',
      'header_User-Agent': 'other/1',
    });
    const [{ headers }] = sink.received as [(typeof sink.received)[0]];
    expect(headers).toMatchObject({
      host: 'virtual.example:81',
      'content-length': '4',
      empty: '',
      'user-agent': 'mine/1',
    });
    expect(Buffer.from(String(headers['x-token']), 'latin1').toString('utf8')).toBe('t=1; é');
  });

  test('tells of its firing what the server says, though its plan say otherwise', async () => {
    await fire(anHttp(), {
      url: sink.url,
      'header_X-Forsun-Key': 'evil',
      'header_x-forsun-fire-id': 'evil',
      'header_X-FORSUN-TIMESTAMP': '1',
      'header_x-forsun-attempt': '9',
    });
    expect(sink.received[0]?.headers).toMatchObject({
      'x-forsun-key': 'order:42',
      'x-forsun-fire-id': 'order:42:7:1700000000',
      'x-forsun-timestamp': '1700000000',
      'x-forsun-attempt': '1',
    });
  });

  test('carries any key, encoded as far as a header needs it', async () => {
    const key = ' 100% — "a b"\r\nX: y\0\u{1f600} ';
    await fire(anHttp(), { url: sink.url }, { key });
    const sent = String(sink.received[0]?.headers['x-forsun-key']);
    expect(sent).toMatch(/^%20100%25 %E2%80%94 "a b"%0D%0AX: y%00%F0%9F%98%80%20$/);
    expect(decodeURIComponent(sent)).toBe(key);
  });

  test('reuses a connection while it is warm', async () => {
    const http = anHttp();
    await fire(http, { url: sink.url });
    await new Promise((resolve) => setImmediate(resolve)); // a server may still close it
    await fire(http, { url: sink.url, method: 'POST', body: 'x' });
    expect(sink.received.map(({ connection }) => connection)).toEqual([1, 1]);
  });
});

describe('an answer', () => {
  test.each([
    [200, { kind: 'done' }],
    [204, { kind: 'done' }],
    [304, { kind: 'done' }],
    [400, { kind: 'failed', reason: 'ORIGIN answered 400' }],
    [401, { kind: 'failed', reason: 'ORIGIN answered 401' }],
    [404, { kind: 'failed', reason: 'ORIGIN answered 404' }],
    [408, { kind: 'retry', reason: 'ORIGIN answered 408' }],
    [425, { kind: 'retry', reason: 'ORIGIN answered 425' }],
    [429, { kind: 'retry', reason: 'ORIGIN answered 429', afterSeconds: 7 }],
    [500, { kind: 'retry', reason: 'ORIGIN answered 500' }],
    [503, { kind: 'retry', reason: 'ORIGIN answered 503', afterSeconds: 7 }],
    [599, { kind: 'retry', reason: 'ORIGIN answered 599' }],
  ])('of %i means %j', async (status, outcome) => {
    sink.answer = (response) => response.writeHead(status, { 'Retry-After': '7' }).end();
    const expected = JSON.parse(JSON.stringify(outcome).replace('ORIGIN', sink.url)) as unknown;
    expect(await fire(anHttp(), { url: `${sink.url}/?token=s3cret` })).toEqual(expected);
    expect(JSON.stringify(log.lines)).not.toContain('s3cret');
  });

  test('with a body beyond the cap is done, and the rest is not read', async () => {
    let sent = 0;
    sink.answer = (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    };
    expect(await fire(anHttp(), { url: sink.url })).toEqual({ kind: 'done' });
    await until(async () => (await sink.openConnections) === 0);
    expect(sent).toBeLessThan(50_000_000);
  });

  test('in gzip is never unpacked', async () => {
    sink.answer = (response) => {
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end('not gzip at all');
    };
    expect(await fire(anHttp(), { url: sink.url })).toEqual({ kind: 'done' });
    expect(sink.received[0]?.headers).not.toHaveProperty('accept-encoding');
  });
});

describe('a redirect', () => {
  const redirectOnce = (status: number, location: string): void => {
    sink.answer = (response, { path }) => {
      if (path === '/start') response.writeHead(status, { Location: location });
      response.end('moved');
    };
  };

  test.each([
    [301, 'POST', 'POST', 'a=1'],
    [302, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [307, 'POST', 'POST', 'a=1'],
    [308, 'PUT', 'PUT', 'a=1'],
    [302, 'HEAD', 'HEAD', ''],
  ])('by %i makes of %s a %s', async (status, method, then, body) => {
    redirectOnce(status, '/end?x=1');
    const params = { url: `${sink.url}/start`, method, body: method === 'HEAD' ? '' : 'a=1' };
    expect(await fire(anHttp(), params)).toEqual({ kind: 'done' });
    expect(sink.received[1]).toMatchObject({ method: then, path: '/end?x=1', body });
    expect(sink.received[1]?.headers['x-forsun-key']).toBe('order:42');
    expect(sink.received[1]?.headers['content-type']).toBe(
      then === 'POST' ? 'application/x-www-form-urlencoded' : undefined,
    );
  });

  test('to another origin takes no credentials along', async () => {
    const other = await anotherSink();
    redirectOnce(307, `${other.url.replace('http://', 'http://evil:pw@')}/there`);
    const secrets = {
      auth_username: 'me',
      auth_password: 's3cret',
      header_Cookie: 's3cret',
      'header_X-Api-Key': 's3cret',
      header_Host: 'virtual',
    };
    await fire(anHttp(), {
      url: `${sink.url}/start`,
      method: 'POST',
      header_Accept: 'text/x',
      ...secrets,
    });
    expect(sink.received[0]?.headers).toMatchObject({ cookie: 's3cret', 'x-api-key': 's3cret' });
    expect(sink.received[0]?.headers.authorization).toBe('Basic bWU6czNjcmV0');
    expect(other.received[0]?.headers).toMatchObject({
      host: `127.0.0.1:${other.port}`,
      accept: 'text/x',
      'x-forsun-key': 'order:42',
    });
    expect(other.received[0]?.headers).not.toHaveProperty('authorization');
    expect(JSON.stringify(other.received)).not.toContain('s3cret');
  });

  test('to the same origin keeps them', async () => {
    redirectOnce(302, '/end');
    await fire(anHttp(), { url: `${sink.url.replace('//', '//me:pw@')}/start` });
    expect(sink.received[1]?.headers.authorization).toBe('Basic bWU6cHc=');
  });

  test('is followed five times, and then has failed', async () => {
    sink.answer = (response) => response.writeHead(302, { Location: '/' }).end();
    expect(await fire(anHttp(), { url: sink.url })).toEqual({
      kind: 'failed',
      reason: `${sink.url} redirects, more than 5 in a row`,
    });
    expect(sink.received).toHaveLength(6);
  });

  test.each(['ftp://127.0.0.1/', 'http://', 'file:///etc/passwd'])(
    'to %s has failed',
    async (location) => {
      redirectOnce(302, location);
      expect(await fire(anHttp(), { url: `${sink.url}/start` })).toEqual({
        kind: 'failed',
        reason: `${sink.url} redirects to what is no http or https URL`,
      });
    },
  );

  test('to who does not answer has failed there, not here', async () => {
    const gone = await RawServer.open(() => undefined);
    const { url } = gone;
    await gone.close();
    redirectOnce(307, url);
    expect(await fire(anHttp(), { url: `${sink.url}/start` })).toEqual({
      kind: 'retry',
      reason: `no answer from ${url}: ECONNREFUSED`,
    });
  });

  test('that names no place is done', async () => {
    sink.answer = (response) => response.writeHead(302).end();
    expect(await fire(anHttp(), { url: sink.url })).toEqual({ kind: 'done' });
  });
});

describe('a target that', () => {
  const timeouts = { request_timeout: '0.3' };
  const cut = (server: RawServer): unknown => ({
    kind: 'retry',
    reason: `no answer from ${server.url}: not within 0.3 s`,
  });

  test('refuses the connection is tried again', async () => {
    const gone = await RawServer.open(() => undefined);
    const { url } = gone;
    await gone.close();
    expect(await fire(anHttp(), { url })).toEqual({
      kind: 'retry',
      reason: `no answer from ${url}: ECONNREFUSED`,
    });
  });

  test.each([
    ['answers nothing', ''],
    ['stops in its headers', 'HTTP/1.1 200 OK\r\nA: b'],
    ['stops in its body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
  ])('%s is cut at request_timeout and let go', async (_, text) => {
    let requests = 0;
    const server = await aRawServer((socket) => {
      socket.on('data', () => requests++);
      socket.write(text);
    });
    expect(await fire(anHttp(), { url: server.url, ...timeouts })).toEqual(cut(server));
    await until(() => server.openConnections === 0);
    expect(requests).toBe(1); // never sent again behind the run's back
  });

  test('sends a byte now and then is cut at request_timeout', async () => {
    const server = await aRawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const drip = setInterval(() => socket.write('x'), 20);
      socket.on('close', () => {
        clearInterval(drip);
      });
    });
    expect(await fire(anHttp(), { url: server.url, ...timeouts })).toEqual(cut(server));
    await until(() => server.openConnections === 0);
  });

  test('sends headers without end has failed at their cap: it has answered', async () => {
    const server = await aRawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const more = (): void => {
        while (!socket.destroyed && socket.write(`X-${'h'.repeat(1000)}: v\r\n`));
      };
      socket.on('drain', more);
      more();
    });
    expect(await fire(anHttp(), { url: server.url })).toEqual({
      kind: 'failed',
      reason: `the answer of ${server.url} is longer than 16384 bytes`,
    });
  });

  test.each([
    ['resets the connection at once', (): string => '', /: (ECONNRESET|UND_ERR_SOCKET)$/],
    ['closes it without an answer', (): string => 'FIN', /: UND_ERR_SOCKET$/],
    ['speaks no HTTP', (): string => 'SSH-2.0-x\r\n', /: it does not speak HTTP\/1.1$/],
    [
      'resets it in the body',
      (): string => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc',
      /: (ECONNRESET|UND_ERR_SOCKET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH)$/,
    ],
  ])('%s is tried again', async (_, text, reason) => {
    const server = await aRawServer((socket) => {
      socket.once('data', () => {
        // Who speaks no HTTP is left by the client, which must have read that before.
        if (text().startsWith('SSH')) socket.write(text());
        else if (text() === '') socket.resetAndDestroy();
        else if (text() === 'FIN') socket.end();
        else socket.write(text(), () => setTimeout(() => socket.resetAndDestroy(), 20));
      });
    });
    const outcome = await fire(anHttp(), { url: server.url });
    expect(outcome.kind).toBe('retry');
    expect('reason' in outcome && outcome.reason).toMatch(reason);
  });

  test('closes an idle connection is asked on a new one', async () => {
    const http = anHttp();
    const server = await aRawServer((socket) => {
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', () => socket.end());
      });
    });
    for (let i = 0; i < 3; i++) {
      expect(await fire(http, { url: server.url })).toEqual({ kind: 'done' });
      await until(() => server.openConnections === 0);
    }
  });

  test('never completes the connection is given up at connect_timeout', async () => {
    const silent = await aRawServer(() => undefined);
    const url = silent.url.replace('http:', 'https:'); // TLS never begins
    const params = { url, connect_timeout: '0.3', request_timeout: '20' };
    expect(await fire(anHttp(), params)).toEqual({
      kind: 'retry',
      reason: `no answer from ${url}: no connection within 0.3 s`,
    });
    await until(() => silent.openConnections === 0);
    const shorter = { url, connect_timeout: '20', request_timeout: '0.3' };
    expect(await fire(anHttp(), shorter)).toMatchObject({ kind: 'retry' });
    await until(() => silent.openConnections === 0);
  });
});

describe('TLS', () => {
  const read = (name: string): string =>
    readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');
  const certificate = read('localhost.pem');

  /** A server with that certificate; resolves to its port. */
  async function aTlsServer(cert: string): Promise<number> {
    const server = createTlsServer({ key: cert, cert }, (_, response) => {
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(() => new Promise((resolve) => void server.close(() => resolve())));
    return (server.address() as AddressInfo).port;
  }

  test('is spoken to whom the certificate names, and to nobody else', async () => {
    const port = await aTlsServer(certificate);
    const trusting = anHttp({ ca: certificate });
    expect(await fire(trusting, { url: `https://localhost:${port}` })).toEqual({ kind: 'done' });
    expect(await fire(trusting, { url: `https://127.0.0.1:${port}` })).toMatchObject({
      kind: 'retry',
      reason: `no answer from https://127.0.0.1:${port}: ERR_TLS_CERT_ALTNAME_INVALID`,
    });
    expect(await fire(anHttp(), { url: `https://localhost:${port}` })).toMatchObject({
      kind: 'retry',
      reason: `no answer from https://localhost:${port}: DEPTH_ZERO_SELF_SIGNED_CERT`,
    });
  });

  test('is not spoken to who shows an old certificate', async () => {
    const expired = read('expired.pem');
    const url = `https://localhost:${await aTlsServer(expired)}`;
    expect(await fire(anHttp({ ca: expired }), { url })).toEqual({
      kind: 'retry',
      reason: `no answer from ${url}: CERT_HAS_EXPIRED`,
    });
  });
});

test('a run that is stopped ends at once, whatever it waits for', async () => {
  const http = anHttp();
  for (const scheme of ['http:', 'https:']) {
    const silent = await aRawServer(() => undefined);
    const url = silent.url.replace('http:', scheme);
    const stop = new AbortController();
    const ended = fire(http, { url, request_timeout: '30' }, { signal: stop.signal });
    await until(() => silent.openConnections === 1);
    stop.abort();
    expect(await ended).toMatchObject({
      kind: 'retry',
      reason: `no answer from ${url}: the run was stopped`,
    });
  }
  expect(await fire(http, { url: sink.url }, { signal: AbortSignal.abort() })).toMatchObject({
    kind: 'retry',
  });
  expect(sink.received).toEqual([]);
});

describe('connections', () => {
  test('are kept idle up to so many and no more', async () => {
    const http = anHttp({ maxIdle: 2 });
    const sinks = [sink, await anotherSink(), await anotherSink()];
    for (const { url } of sinks) await fire(http, { url });
    await until(async () => (await sink.openConnections) === 0);
    expect(await sinks[1]!.openConnections).toBe(1);
    expect(await sinks[2]!.openConnections).toBe(1);
  });

  test('that are idle are closed, though the server would keep them', async () => {
    const patient = await aRawServer((socket) => {
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    });
    expect(await fire(anHttp(), { url: patient.url })).toEqual({ kind: 'done' });
    await until(() => patient.openConnections === 0);
  });

  test('are all gone once the action is closed, that of a run with its run', async () => {
    const http = anHttp();
    await fire(http, { url: sink.url });
    sink.answer = (response, { path }) => {
      if (path === '/late') setTimeout(() => response.end(), 50);
    };
    const late = fire(http, { url: `${sink.url}/late` });
    await until(() => sink.received.length === 2);
    await http.close?.();
    expect(await late).toEqual({ kind: 'done' });
    await until(async () => (await sink.openConnections) === 0);
  });

  test.each(['http:', 'https:'])(
    'of %s runs that are cut close at once, and none is made for nobody',
    async (scheme) => {
      let made = 0;
      const silent = await aRawServer(() => made++);
      const url = silent.url.replace('http:', scheme); // TLS never begins
      const params = { url, connect_timeout: '60', request_timeout: '60' };
      const prepared = anHttp().prepare(new Map(Object.entries(params)));
      const stops = Array.from({ length: 100 }, () => new AbortController());
      const runs = stops.map(({ signal }) => prepared.run(aRun({ signal })));
      await until(() => silent.openConnections === 100);
      for (const stop of stops) stop.abort();
      await Promise.all(runs);
      await until(() => silent.openConnections === 0); // a minute before connect_timeout
      expect(made).toBe(100);
    },
  );
});

describe('a plan is refused when it is made', () => {
  const refusal = (params: Record<string, string>): unknown => {
    try {
      anHttp().prepare(new Map(Object.entries(params)));
    } catch (error) {
      return error;
    }
    return undefined;
  };
  const url = 'http://127.0.0.1/';

  test.each([
    [{}, 'the param url of the action http is missing; expected an http:// or https:// URL'],
    [{ url: 'ftp://s3cret@host/' }, 'the param url of the action http cannot be used'],
    [{ url: 'host/path' }, 'the param url of the action http cannot be used'],
    [{ url, method: 'CONNECT' }, 'the param method of the action http is "CONNECT"; expected one'],
    [
      { url, connect_timeout: '5s' },
      'connect_timeout of the action http is "5s"; expected seconds',
    ],
    [{ url, request_timeout: '0' }, 'request_timeout of the action http is "0"; expected seconds'],
    [{ url, request_timeout: '86401' }, 'is "86401"; expected seconds for all of it'],
    [{ url, request_timeout: '-1' }, 'is "-1"; expected seconds'],
    [{ url, auth_username: 'a', auth_mode: 'ntlm' }, 'auth_mode of the action http is "ntlm"; exp'],
    [{ url, auth_username: 's3cret:b' }, 'the param auth_username of the action http cannot be'],
    [{ url, user_agent: 'a\nb' }, 'the param user_agent of the action http is "a\\nb"; expected'],
    [{ url, header_: 's3cret' }, 'the param header_ of the action http cannot be used; expected'],
    [{ url, 'header_a b': 's3cret' }, 'the param header_a b of the action http cannot be used'],
    [{ url, header_A: 's3cret\r\nB: c' }, 'the param header_A of the action http cannot be used'],
    [{ url, 'header_Transfer-Encoding': 'chunked' }, 'header_Transfer-Encoding of the action http'],
    [{ url, header_Host: 'a/b' }, 'the param header_Host of the action http cannot be used'],
  ])('%j', (params, message) => {
    const error = refusal(params);
    expect(error).toMatchObject({ code: 'bad_argument' });
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain('s3cret');
  });

  test('but not for an empty optional param, as clients send them', () => {
    const names = ['method', 'body', 'auth_username', 'auth_password', 'auth_mode', 'user_agent'];
    const empty = Object.fromEntries(
      [...names, 'connect_timeout', 'request_timeout'].map((name) => [name, '']),
    );
    expect(refusal({ url, ...empty })).toBe(undefined);
  });
});

test('room is counted by scheme, host and port', () => {
  const origins = ['http://A.example/x?y', 'https://me:pw@[::1]/', 'http://h:8080'].map(
    (url) => anHttp().prepare(new Map([['url', url]])).origin,
  );
  expect(origins).toEqual([
    'http:http://a.example:80',
    'http:https://[::1]:443',
    'http:http://h:8080',
  ]);
});
