import { afterEach, describe, expect, test } from 'vitest';

import type { HttpDependencies, HttpOptions } from '../../../src/interfaces/http/server.ts';
import type { Peer } from '../../../src/interfaces/access/peer.ts';
import { eventually } from '../../support/eventually.ts';
import { HeldPlans } from '../../support/held-plans.ts';
import { openHttpDoor, type OpenHttpDoor } from '../../support/http-door.ts';
import { MemoryPlans } from '../../support/memory-plans.ts';
import { RawClient } from '../../support/raw-client.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { anAccess } from '../../support/thrift-door.ts';

let door: OpenHttpDoor;
let plans: MemoryPlans;
const log = new RecordedLog();
const clients: RawClient[] = [];

async function open(
  options: Partial<HttpOptions> = {},
  overrides: Partial<HttpDependencies> = {},
): Promise<void> {
  plans = new MemoryPlans();
  log.lines.length = 0;
  door = await openHttpDoor({ plans, log, ...overrides }, options);
}

function raw(): RawClient {
  const client = new RawClient(door.port);
  clients.push(client);
  return client;
}

const send = (client: RawClient, text: string): void => client.send(Buffer.from(text));

/** All that comes until the server closes. */
async function said(client: RawClient): Promise<string> {
  await client.closed;
  return client.received.toString();
}

const host = 'Host: localhost\r\n';
const ping = `GET /v1/ping HTTP/1.1\r\n${host}\r\n`;
const body = '{"key":"a","second":1,"params":{"cmd":"x"}}';
const put = (headers = `Content-Length: ${body.length}\r\n`): string =>
  `PUT /v1/plan HTTP/1.1\r\n${host}Content-Type: application/json\r\n${headers}\r\n`;

/** Another client, served at once whatever the hostile one does; nothing stays of him. */
async function expectAlive(): Promise<void> {
  const response = await door.fetch('/v1/ping', { headers: { connection: 'close' } });
  expect(response.status).toBe(200);
  for (const client of clients.splice(0)) client.close();
  await eventually(() => door.counters.value('http_connecting_count') === 0);
  expect(door.counters.value('http_requesting_count')).toBe(0);
}

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

describe('W9: what two readers could read differently', () => {
  test.each([
    ['two lengths', put('Content-Length: 5\r\nContent-Length: 43\r\n')],
    ['two lengths in one', put('Content-Length: 43, 43\r\n')],
    ['a length and chunks', put('Content-Length: 43\r\nTransfer-Encoding: chunked\r\n')],
    ['chunks and a length', put('Transfer-Encoding: chunked\r\nContent-Length: 43\r\n')],
    ['chunks that are not the last coding', put('Transfer-Encoding: chunked, gzip\r\n')],
    ['chunks twice', put('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n')],
    ['a coding that is none', put('Transfer-Encoding: xchunked\r\n')],
    ['a length that is none', put('Content-Length: +43\r\n')],
    ['a length in hexadecimal', put('Content-Length: 0x2b\r\n')],
    ['a negative length', put('Content-Length: -1\r\n')],
    ['a blank before the colon', put('Content-Length : 43\r\n')],
    ['a header that goes on in the next line', put('X: a\r\n b\r\nContent-Length: 43\r\n')],
    ['a line feed alone', put('X: a\nContent-Length: 43\r\n')],
    ['a carriage return alone', put('X: a\rContent-Length: 43\r\n')],
    ['a NUL in a header', put('X: a\0b\r\nContent-Length: 43\r\n')],
    ['no version', `PUT /v1/plan\r\n${host}\r\n`],
    ['an unknown version', `PUT /v1/plan HTTP/9.9\r\n${host}\r\n`],
    ['a method that is none', `PU T /v1/plan HTTP/1.1\r\n${host}\r\n`],
    ['a TLS hello', '\u0016\u0003\u0001\u0002\u0000\u0001'],
  ])('%s is refused, and no plan is made', async (_what, head) => {
    await open();
    const client = raw();
    send(client, head + body);
    const answer = await said(client);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.includes('"errcode":1007')).toBe(head.startsWith('PUT /v1/'));
    expect(await plans.keys('')).toEqual([]);
    expect(door.counters.value('protocol_errors_count')).toBe(1);
    expect(log.events()).toContain('http_broken_request');
    await expectAlive();
  });

  test.each([
    ['a size that is none', 'zz\r\n'],
    ['a size that is too large', 'fffffffffffffffff\r\n'],
    ['a negative size', '-1\r\n'],
    ['a chunk longer than its size', `5\r\n${body}\r\n0\r\n\r\n`],
    ['a line feed alone behind the size', `2b\n${body}\r\n0\r\n\r\n`],
  ])('in chunks, %s is refused, and no plan is made', async (_what, chunks) => {
    await open();
    const client = raw();
    send(client, put('Transfer-Encoding: chunked\r\n') + chunks);
    expect(await said(client)).toMatch(/^HTTP\/1\.1 400 .*"errcode":1007/s);
    expect(await plans.keys('')).toEqual([]);
    await expectAlive();
  });

  test('an expectation that nobody knows is refused, and no plan is made', async () => {
    await open();
    const client = raw();
    send(
      client,
      put(`Expect: more\r\nConnection: close\r\nContent-Length: ${body.length}\r\n`) + body,
    );
    expect(await said(client)).toMatch(/^HTTP\/1\.1 417 .*"errcode":1007/s);
    expect(await plans.keys('')).toEqual([]);
    await expectAlive();
  });

  test('honest chunks are read', async () => {
    await open();
    const client = raw();
    send(client, put('Transfer-Encoding: chunked\r\nConnection: close\r\n'));
    for (const part of [body.slice(0, 7), body.slice(7)]) {
      send(client, `${part.length.toString(16)}\r\n${part}\r\n`);
    }
    send(client, '0\r\n\r\n');
    expect(await said(client)).toContain('"errcode":0');
  });

  test('a header called __proto__ or constructor is a header like any other', async () => {
    await open();
    const client = raw();
    send(
      client,
      `GET /v1/ping HTTP/1.1\r\n${host}__proto__: x\r\nconstructor: y\r\nConnection: close\r\n\r\n`,
    );
    expect(await said(client)).toMatch(/^HTTP\/1\.1 200 /);
    await expectAlive();
  });
});

describe('limits', () => {
  test('headers beyond theirs are 431', async () => {
    await open({ headerBytes: 2_048 });
    const client = raw();
    send(client, `GET /v1/ping HTTP/1.1\r\n${host}X: ${'x'.repeat(3_000)}\r\n\r\n`);
    expect(await said(client)).toMatch(/^HTTP\/1\.1 431 /);
    await expectAlive();
  });

  test('a body beyond its is 413, told to who sends all of it before he reads; none is made', async () => {
    await open({ bodyBytes: 1_024 });
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      const large = `{"key":"a","second":1,"params":{"cmd":"${'x'.repeat(8_000_000)}"}}`;
      const response = await door.fetch('/v1/plan', {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        ...('transfer-encoding' in headers
          ? { body: new Blob([large]).stream(), duplex: 'half' }
          : { body: large }),
      });
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({ errcode: 1007 });
    }
    expect(await plans.keys('')).toEqual([]);
    await expectAlive();
  });

  test('W4: headers and bodies that come too slowly are 408, and closed', async () => {
    await open({ headerTimeoutMs: 100, requestTimeoutMs: 200 });
    for (const start of ['GET /v1/ping HTTP/1.1\r\nHo', `${put()}${body.slice(0, 9)}`]) {
      const client = raw();
      send(client, start);
      expect(await said(client)).toMatch(/^HTTP\/1\.1 408 /);
    }
    expect(await plans.keys('')).toEqual([]);
    await expectAlive();
  });

  test('a connection without a request is closed, before its first one and behind it', async () => {
    await open({ headerTimeoutMs: 100, sendTimeoutMs: 100, idleTimeoutMs: 100 });
    const silent = raw();
    expect(await said(silent)).toBe('');
    const idle = raw();
    send(idle, ping);
    expect(await said(idle)).toMatch(/^HTTP\/1\.1 200 /);
    expect(log.events()).toEqual([]);
  });

  test('beyond the connections of one address, and of all, the longest idle one goes', async () => {
    await open({ connections: 3, connectionsPerAddress: 2 });
    const first = raw();
    send(first, ping);
    await first.receive(1);
    await door.clock.advance(1);
    const second = raw();
    send(second, ping);
    await second.receive(1);
    const third = raw();
    send(third, ping);
    await third.receive(1);
    await first.closed;
    expect(door.counters.value('http_connecting_count')).toBe(2);
    expect(log.events()).toEqual(['http_connections_full']);
  });

  test('when none is idle, the newcomer is not served', async () => {
    const held = new HeldPlans();
    await open({ connections: 1 }, { plans: held });
    const busy = raw();
    send(busy, `GET /v1/plan?key=a HTTP/1.1\r\n${host}\r\n`);
    await eventually(() => held.begun.length === 1);
    const late = raw();
    send(late, ping);
    expect(await said(late)).toBe('');
    expect(door.counters.value('connections_refused_count')).toBe(1);
    held.releaseAll();
    expect((await busy.receive(1)).toString()).toContain('HTTP/1.1 200');
  });

  test('of clients that fill the memory, the one that holds most goes', async () => {
    await open({ heldBytes: 1_000_000 });
    const start = put('Content-Length: 3000000\r\n');
    const small = raw();
    send(small, start + 'x'.repeat(100_000));
    const large = raw();
    send(large, start + 'x'.repeat(1_500_000));
    await large.closed;
    expect(log.events()).toContain('http_memory_full');
    expect(door.counters.value('http_connecting_count')).toBe(1);
    await expectAlive();
  });

  test('nothing is held for a client who has gone, whatever he had sent', async () => {
    const held = new HeldPlans();
    await open({ heldBytes: 20_000 }, { plans: held });
    for (let round = 1; round <= 10; round++) {
      const client = raw();
      send(client, `GET /v1/plan?key=a HTTP/1.1\r\n${host}\r\n${ping.repeat(100)}`);
      await eventually(() => held.begun.length === round);
      await eventually(() => door.counters.value('http_requesting_count') === 101);
      client.socket.resetAndDestroy();
      await eventually(() => door.counters.value('http_connecting_count') === 0);
      held.release();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(log.events()).toEqual([]);
    await expectAlive();
  });

  test('who does not take his reply is cut off', async () => {
    await open({ sendTimeoutMs: 300 });
    const cmd = 'x'.repeat(3_000_000);
    await door.fetch('/v1/plan', {
      method: 'PUT',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ key: 'a', second: 1, params: { cmd } }),
    });
    const client = raw();
    client.socket.pause();
    for (let i = 0; i < 20; i++) send(client, `GET /v1/plan?key=a HTTP/1.1\r\n${host}\r\n`);
    await eventually(() => log.events().includes('http_reply_not_taken'));
    await expectAlive();
  });
});

describe('several requests before the first reply', () => {
  test('are served one after the other, in their order', async () => {
    const held = new HeldPlans();
    await open({}, { plans: held });
    const client = raw();
    send(client, put() + body);
    for (const key of ['a', 'b']) send(client, `GET /v1/plan?key=${key} HTTP/1.1\r\n${host}\r\n`);
    await eventually(() => held.begun.length === 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(held.begun).toEqual(['create a']);
    held.releaseAll();
    await eventually(() => client.received.toString().split('HTTP/1.1 200').length === 4);
    expect(held.begun).toEqual(['create a', 'get a', 'get b']);
    await expectAlive();
  });

  test('beyond a number close the connection, and what did not begin is not done', async () => {
    const held = new HeldPlans();
    await open({ pipelined: 10 }, { plans: held });
    const client = raw();
    send(client, (put() + body).repeat(12));
    await client.closed;
    expect(log.events()).toContain('http_pipeline_full');
    held.releaseAll();
    await expectAlive();
    expect(held.begun).toEqual(['create a']);
  });

  test('what is broken behind them is told behind their answers', async () => {
    const held = new HeldPlans();
    await open({}, { plans: held });
    const client = raw();
    send(client, `GET /v1/plan?key=b HTTP/1.1\r\n${host}\r\n`);
    send(client, 'rubbish\r\n\r\n');
    await eventually(() => door.counters.value('protocol_errors_count') === 1);
    expect(client.received.toString()).toBe('');
    held.releaseAll();
    expect(await said(client)).toMatch(/^HTTP\/1\.1 200 .*"errcode":1003.*HTTP\/1\.1 400 /s);
    await expectAlive();
  });
});

describe('W7: who goes before the answer', () => {
  test('one who sends FIN behind his request is answered', async () => {
    const held = new HeldPlans();
    await open({}, { plans: held });
    const client = raw();
    client.socket.end(put() + body);
    await eventually(() => held.begun.length === 1);
    held.releaseAll();
    expect(await said(client)).toContain('"errcode":0');
    await expectAlive();
  });

  test('a request cut off at any byte is done or not done, and harms nothing', async () => {
    await open();
    const request = put() + body;
    for (let length = 0; length <= request.length; length += 3) {
      const client = raw();
      await new Promise((resolve) => client.socket.once('connect', resolve));
      send(client, request.slice(0, length));
      if (length % 2 === 0) client.socket.resetAndDestroy();
      else client.socket.end();
    }
    await expectAlive();
    for (const key of await plans.keys('')) {
      expect(await plans.get(key)).toMatchObject({ key: 'a', params: new Map([['cmd', 'x']]) });
    }
  });
});

describe('a peer that is not served', () => {
  test('is told why, with its address and the setting, and cut off; no header makes it another', async () => {
    const served = anAccess();
    const access = { admit: (peer: Peer) => served.admit({ ...peer, address: '192.0.2.1' }) };
    await open({}, { access });
    const client = raw();
    const forwarded = 'X-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n';
    send(client, put(`${forwarded}Content-Length: ${body.length}\r\n`) + body);
    const answer = await said(client);
    expect(answer).toMatch(/^HTTP\/1\.1 403 .*192\.0\.2\.1.*--trust-network 192\.0\.2\.1\/32/s);
    expect(answer.toLowerCase()).toContain('connection: close');
    expect(await plans.keys('')).toEqual([]);
    expect(log.events()).toEqual(['http_peer_refused']);
    expect(door.counters.value('connections_refused_count')).toBe(1);
  });
});

describe('closing', () => {
  test('answers what runs, takes nothing new, and leaves no connection', async () => {
    const held = new HeldPlans();
    await open({}, { plans: held });
    const idle = raw();
    send(idle, ping);
    await idle.receive(1);
    const busy = raw();
    send(busy, put() + body + put() + body);
    await eventually(() => held.begun.length === 1);
    const closing = door.close();
    await idle.closed;
    await expect(door.fetch('/v1/ping')).rejects.toThrow();
    held.release();
    const answer = await said(busy);
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*connection: close.*"errcode":0/is);
    await closing;
    expect(held.begun).toEqual(['create a']);
    expect(door.counters.value('http_connecting_count')).toBe(0);
  });

  test('waits no longer than it is told to', async () => {
    const held = new HeldPlans();
    await open({ closeTimeoutMs: 1_000 }, { plans: held });
    const stuck = raw();
    send(stuck, put() + body);
    await eventually(() => held.begun.length === 1);
    const closing = door.close();
    await door.clock.advance(1);
    await closing;
    expect(await said(stuck)).toBe('');
    held.releaseAll();
  });
});
