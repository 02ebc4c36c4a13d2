import { describe, expect, test } from 'vitest';

import { MemoryPlans } from '../../support/memory-plans.ts';
import { openHttpDoor, type OpenHttpDoor } from '../../support/http-door.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { RawClient } from '../../support/raw-client.ts';

/** The status, head and body that come for a request of these lines. */
async function say(door: OpenHttpDoor, lines: readonly string[], body = ''): Promise<string> {
  const client = new RawClient(door.port);
  client.send(Buffer.from(`${[...lines, 'Connection: close', '', ''].join('\r\n')}${body}`));
  await client.closed;
  return client.received.toString();
}

const ping = (host: string): readonly string[] => ['GET /v1/ping HTTP/1.1', `Host: ${host}`];

describe('Host', () => {
  test.each([
    '127.0.0.1',
    '127.0.0.1:9002',
    '10.1.2.3',
    '[::1]',
    '[::1]:9002',
    'localhost',
    'localhost:9002',
    'forsun',
    'LOCALHOST.',
    'forsun.example.com',
    'Forsun.Example.com.:9002',
  ])('%s is served', async (host) => {
    const door = await openHttpDoor({}, { hosts: ['forsun.example.com'] });
    expect(await say(door, ping(host))).toMatch(/^HTTP\/1\.1 200 /);
  });

  test.each([
    'evil.example.com',
    'example.com',
    'x.forsun.example.com',
    '127.0.0.1.evil.com',
    '0x7f.1',
    'localhost.evil.com:9002',
    'a@127.0.0.1',
    '127.0.0.1/x',
    '[::1',
    '::1',
    '[localhost]',
    '[abc]',
    '',
  ])('%s is refused with 403: its owner may let it point here', async (host) => {
    const door = await openHttpDoor({}, { hosts: ['forsun.example.com'] });
    expect(await say(door, ping(host))).toMatch(/^HTTP\/1\.1 403 .*--http-host/s);
  });

  test('that is refused is counted and logged, and so is an Origin', async () => {
    const log = new RecordedLog();
    const door = await openHttpDoor({ log });
    await say(door, ping('evil.example.com'));
    await say(door, [...ping('localhost'), 'Origin: https://evil.example.com']);
    expect(door.counters.value('browsers_refused_count')).toBe(2);
    expect(log.lines).toMatchObject([
      {
        event: 'http_browser_refused',
        fields: {
          peer: '127.0.0.1',
          reason: expect.stringContaining('evil.example.com') as string,
        },
      },
    ]);
  });

  test('several, or none, are 400', async () => {
    const door = await openHttpDoor();
    const twice = [...ping('localhost'), 'host: localhost'];
    expect(await say(door, twice)).toMatch(/^HTTP\/1\.1 400 .*several Host/s);
    expect(await say(door, ['GET /v1/ping HTTP/1.1'])).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('a target that is all of a URL must name a served one, too', async () => {
    const door = await openHttpDoor();
    const whole = (host: string): readonly string[] => [
      `GET http://${host}/v1/ping HTTP/1.1`,
      'Host: localhost',
    ];
    expect(await say(door, whole('localhost:9002'))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await say(door, whole('evil.com'))).toMatch(/^HTTP\/1\.1 403 .*Host is .*evil\.com/s);
  });

  test('a path that cannot be read is no way past it', async () => {
    const door = await openHttpDoor();
    const lines = ['GET /v1/%zz HTTP/1.1', 'Host: evil.com'];
    expect(await say(door, lines)).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('what stands in headers of proxies counts for nothing', async () => {
    const door = await openHttpDoor();
    const forwarded = ['X-Forwarded-Host: localhost', 'Forwarded: host=localhost'];
    expect(await say(door, [...ping('evil.com'), ...forwarded])).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('Origin', () => {
  const from = (origin: string, method = 'GET'): readonly string[] => [
    `${method} /v1/ping HTTP/1.1`,
    'Host: localhost:9002',
    `Origin: ${origin}`,
  ];
  const origins = ['https://ops.example.com'];

  test('the server’s own is served, and no other', async () => {
    const door = await openHttpDoor();
    expect(await say(door, from('http://localhost:9002'))).toMatch(/^HTTP\/1\.1 200 /);
    for (const origin of [
      'http://evil.com',
      'https://localhost:9002',
      'http://localhost',
      'http://localhost:9003',
      'null',
      'https://ops.example.com',
    ]) {
      const answer = await say(door, from(origin));
      expect(answer).toMatch(/^HTTP\/1\.1 403 .*--http-origin/s);
      expect(answer.toLowerCase()).not.toContain('access-control');
    }
  });

  test('one that is listed is served, and its page may read the answer', async () => {
    const door = await openHttpDoor({}, { origins });
    const answer = (await say(door, from('https://ops.example.com'))).toLowerCase();
    expect(answer).toContain('access-control-allow-origin: https://ops.example.com\r\n');
    expect(answer).toContain('vary: origin\r\n');
    expect(await say(door, from('https://evil.example.com'))).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('a page’s browser that asks first is answered for listed origins only', async () => {
    const door = await openHttpDoor({}, { origins });
    const asked = 'Access-Control-Request-Method: PUT';
    const answer = await say(door, [...from('https://ops.example.com', 'OPTIONS'), asked]);
    expect(answer).toMatch(/^HTTP\/1\.1 204 /);
    expect(answer.toLowerCase()).toContain('access-control-allow-methods: get, post, put, delete');
    const refused = await say(door, [...from('https://evil.com', 'OPTIONS'), asked]);
    expect(refused).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('no plan is made from a foreign page, whatever it sends', async () => {
    const plans = new MemoryPlans();
    const door = await openHttpDoor({ plans });
    const body = '{"key":"a","second":1}';
    for (const type of ['application/json', 'text/plain', 'application/crontab']) {
      for (const method of ['POST', 'PUT', 'DELETE']) {
        const lines = [
          `${method} /v1/plan HTTP/1.1`,
          ...['Host: localhost', 'Origin: http://evil.com'],
          ...[`Content-Type: ${type}`, `Content-Length: ${body.length}`],
        ];
        expect(await say(door, lines, body)).toMatch(/^HTTP\/1\.1 403 /);
      }
    }
    expect(await plans.keys('')).toEqual([]);
  });
});

test('another method in a header or in the query is not heard', async () => {
  const plans = new MemoryPlans();
  const door = await openHttpDoor({ plans });
  await door.fetch('/v1/plan', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"key":"a","second":1}',
  });
  await door.fetch('/v1/plan?key=a&_method=DELETE', {
    headers: { 'x-http-method-override': 'DELETE' },
  });
  expect(await plans.keys('')).toEqual(['a']);
});
