import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';

import { planNotStored } from '../../../src/core/errors.ts';
import { everybody } from '../../../src/interfaces/access/caller.ts';
import { MemoryPlans } from '../../support/memory-plans.ts';
import { type OpenHttpDoor, openHttpDoor } from '../../support/http-door.ts';
import { T0 } from '../../support/plans.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

let plans: MemoryPlans;
let door: OpenHttpDoor;

beforeEach(async () => {
  plans = new MemoryPlans();
  door = await openHttpDoor({ plans });
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly errcode: number;
  readonly errmsg: string;
  readonly data: unknown;
}

async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await door.fetch(path, init);
  const text = await response.text();
  expect(response.headers.get('content-type')).toBe('application/json; charset=UTF-8');
  return {
    status: response.status,
    text,
    ...(JSON.parse(text) as Omit<Answer, 'status' | 'text'>),
  };
}

const send = (method: string, body: unknown, type = 'application/json'): Promise<Answer> =>
  ask('/v1/plan', {
    method,
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const put = (body: unknown): Promise<Answer> => send('PUT', body);
const post = (body: unknown): Promise<Answer> => send('POST', body);
const crontab = (body: string): Promise<Answer> => send('POST', body, 'application/crontab');

describe('answers', () => {
  test('ping is answered with nothing, to the byte', async () => {
    expect(await ask('/v1/ping')).toMatchObject({
      status: 200,
      text: '{"errcode":0,"errmsg":"","data":{}}',
    });
  });

  test('a plan has forsun’s keys in forsun’s order, in ASCII, with a float where Python has one', async () => {
    const body = '{"key":"a","seconds":3,"count":2,"params":{"cmd":"x","2":"é😀","1":"\\u007f/"}}';
    const { text } = await put(body);
    expect(text).toBe(
      '{"errcode":0,"errmsg":"","data":{"key":"a","second":3,"minute":-1,"hour":-1,"day":-1,' +
        '"month":-1,"week":-1,"status":0,"count":2,"is_time_out":true,"next_time":1700000003,' +
        '"current_count":0,"last_timeout":0,"created_time":1700000000.0,"action":"shell",' +
        '"params":{"cmd":"x","2":"\\u00e9\\ud83d\\ude00","1":"\\u007f/"}}}',
    );
  });

  test('a refusal has its code at status 200, with empty data', async () => {
    expect(await ask('/v1/plan?key=missing')).toMatchObject({
      status: 200,
      errcode: 1003,
      data: {},
    });
    expect(await put({ key: 'a', second: 1, action: 'bogus' })).toMatchObject({
      status: 200,
      errcode: 1006,
    });
    expect(door.counters.value('http_requested_error_count')).toBe(2);
  });

  test('info is a map of texts', async () => {
    expect((await ask('/v1/info')).data).toEqual({ forsun_version: '0.1.0' });
  });

  test('a bug is told as 1001, and logged; a store that fails as 1004', async () => {
    const log = new RecordedLog();
    door = await openHttpDoor({ plans, log });
    plans.get = async () => Promise.reject(new TypeError('secret inside'));
    expect(await ask('/v1/plan?key=a')).toMatchObject({ status: 200, errcode: 1001 });
    expect((await ask('/v1/plan?key=a')).errmsg).not.toContain('secret');
    expect(log.events()).toEqual(['http_request_failed']);
    plans.get = async () => Promise.reject(planNotStored('the disk is gone'));
    expect(await ask('/v1/plan?key=a')).toMatchObject({ status: 200, errcode: 1004 });
  });

  test('what is not there is 404, another verb 405 with those there are, both as JSON', async () => {
    expect(await ask('/v1/nothing')).toMatchObject({ status: 404, data: {} });
    for (const [method, path, allow] of [
      ['POST', '/v1/ping', 'GET, HEAD'],
      ['PATCH', '/v1/plan', 'GET, HEAD, DELETE, POST, PUT'],
      ['OPTIONS', '/v1/keys', 'GET, HEAD'],
    ] as const) {
      const response = await door.fetch(path, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe(allow);
      expect(await response.json()).toMatchObject({ errcode: 1007, data: {} });
    }
  });

  test.each<[string, number, string, RequestInit]>([
    ['a path that is no UTF-8', 400, '/v1/%zz', {}],
    ['a method that few know', 405, '/v1/plan', { method: 'PROPFIND' }],
    [
      'a coding of the body',
      415,
      '/v1/plan',
      { method: 'PUT', headers: { 'content-encoding': 'gzip' } },
    ],
    ['a name of a foreign host', 403, '/v1/plan', { headers: { origin: 'http://evil.com' } }],
    ['headers beyond their limit', 431, `/v1/keys?prefix=${'x'.repeat(20_000)}`, {}],
  ])('%s is refused as everything below /v1 is', async (_what, status, path, init) => {
    expect(await ask(path, init)).toMatchObject({ status, data: {} });
  });

  test('Accept is not asked: there is JSON only', async () => {
    const answer = await ask('/v1/ping', { headers: { accept: 'text/html;q=1, */*;q=0' } });
    expect(answer).toMatchObject({ status: 200, errcode: 0 });
  });

  test('a caller who may not is refused with 1010 at 403, before anything is done', async () => {
    await put({ key: 'order-1', second: 1 });
    const wishes: unknown[] = [];
    const refusal = (wish: unknown): string => {
      wishes.push(wish);
      return 'your token may not';
    };
    door = await openHttpDoor({ plans, callerOf: () => ({ ...everybody, refusal }) });
    const answers = [
      await ask('/v1/info'),
      await ask('/v1/plan?key=order-1'),
      await ask('/v1/plan?key=order-1', { method: 'DELETE' }),
      await put({ key: 'order-1', second: 9, action: 'http' }),
      await ask('/v1/keys?prefix=order*'),
      await ask('/v1/time'),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 403, errcode: 1010, errmsg: 'your token may not' });
    }
    expect(await ask('/v1/ping')).toMatchObject({ status: 200, errcode: 0 });
    expect(wishes).toEqual([
      { role: 'read' },
      { role: 'read', key: 'order-1' },
      { role: 'write', key: 'order-1' },
      { role: 'write', key: 'order-1', action: 'http' },
      { role: 'read', prefix: 'order' },
      { role: 'read', prefix: '' },
    ]);
    expect(await plans.get('order-1')).toMatchObject({ schedule: { fields: { second: 1 } } });
  });
});

describe('PUT and POST of JSON', () => {
  test('PUT makes an interval plan, POST a calendar plan, whatever method says', async () => {
    const put1 = await put({ key: 'a', seconds: 3, method: 'create' });
    expect(put1.data).toMatchObject({ is_time_out: true, second: 3 });
    const post1 = await post({ key: 'b', hour: 16, minute: 32, method: 5 });
    expect(post1.data).toMatchObject({ is_time_out: false, hour: 16, minute: 32, count: 0 });
  });

  test('PUT without a count repeats for ever, as forsun does', async () => {
    expect((await put({ key: 'a', second: 3 })).data).toMatchObject({ count: 0 });
  });

  test('second is read as seconds is, so what was answered can be sent back; not both', async () => {
    const { data } = await put({ key: 'a', second: 3, params: { cmd: 'x' } });
    expect((await put(data)).data).toEqual(data);
    expect(await put({ key: 'a', second: 3, seconds: 3 })).toMatchObject({ errcode: 1007 });
  });

  test.each([
    ['key', 5],
    ['key', null],
    ['seconds', '30'],
    ['second', 5.9],
    ['minute', true],
    ['hour', null],
    ['day', [1]],
    ['month', {}],
    ['count', '1'],
    ['action', 7],
    ['params', []],
    ['params', { cmd: 'x', n: 5 }],
  ])(
    'a %s that is %j is refused with 1007, which names it; nothing is made',
    async (name, value) => {
      const answer = await put({ key: 'k', seconds: 3, params: { cmd: 'x' }, [name]: value });
      expect(answer).toMatchObject({ status: 200, errcode: 1007 });
      expect(answer.errmsg).toContain(name === 'params' && !Array.isArray(value) ? '"n"' : name);
      expect(await plans.keys('')).toEqual([]);
    },
  );

  test('an array makes each plan of the kind of its method, createTimeout if it has none', async () => {
    const { data } = await post([
      { key: 'a', second: 1 },
      { key: 'b', method: 'create', hour: 3 },
      { key: 'c', method: 'createTimeout', minute: 2, count: 4 },
    ]);
    expect(data).toMatchObject([
      { key: 'a', is_time_out: true },
      { key: 'b', is_time_out: false },
      { key: 'c', is_time_out: true, count: 4 },
    ]);
  });

  test('an array of one is answered as the one; of none with 1001', async () => {
    expect((await put([{ key: 'a', second: 1 }])).data).toMatchObject({ key: 'a' });
    expect(await put([])).toMatchObject({ status: 200, errcode: 1001 });
  });

  test.each([
    ['a text', '"x"'],
    ['a number', '7'],
    ['an item that is no object', '[{"key":"a","second":1},7]'],
    ['an unknown method', '[{"key":"a","second":1},{"key":"b","method":"remove"}]'],
    ['a value of a wrong type', '[{"key":"a","second":1},{"key":"b","second":"1"}]'],
    ['more than 10,000 plans', `[${Array.from({ length: 10_001 }, () => '{}').join(',')}]`],
  ])('%s is refused with 1007, and nothing is made', async (_what, body) => {
    const answer = await put(body);
    expect(answer).toMatchObject({ status: 200, errcode: 1007 });
    if (body.startsWith('[{"key"')) expect(answer.errmsg).toContain('plan 2: ');
    expect(await plans.keys('')).toEqual([]);
  });

  test.each([
    ['no JSON', '{"key":'],
    ['nothing', ''],
    ['more behind it', '{} {}'],
    ['a name twice', '{"key":"a","key":"b","second":1}'],
    ['a number that cannot be kept', '{"key":"a","second":1,"count":9007199254740993}'],
    ['10,000 levels', `{"key":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['bytes that are no UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
  ])('%s is 400, as JSON, and nothing is made', async (_what, body) => {
    const answer = await ask('/v1/plan', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(answer).toMatchObject({ status: 400, errcode: 1007, data: {} });
    expect(await plans.keys('')).toEqual([]);
  });

  test.each([
    undefined,
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/json, text/plain',
    'application/jsonx',
    '',
  ])('Content-Type %j is 400, as JSON: a page could send it without asking', async (type) => {
    const body = Buffer.from('{"key":"a","second":1}');
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const answer = await ask('/v1/plan', { method: 'PUT', headers, body });
    expect(answer).toMatchObject({ status: 400, errcode: 1007 });
    expect(answer.errmsg).toContain('expected application/json or application/crontab');
    expect(await plans.keys('')).toEqual([]);
  });

  test('a charset behind the Content-Type changes nothing', async () => {
    const answer = await send('PUT', { key: 'a', second: 1 }, 'Application/JSON; charset=utf-8');
    expect(answer).toMatchObject({ status: 200, errcode: 0 });
  });

  test('any params come back exactly as they went, in their order', async () => {
    const names = fc.oneof(
      fc.constantFrom('__proto__', 'constructor', 'hasOwnProperty', 'toString', '1', '0', '\u2028'),
      fc.string({ unit: 'grapheme', minLength: 1 }),
    );
    const values = fc.string({ unit: 'grapheme' });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(names, values), { selector: ([n]) => n }),
        async (pairs) => {
          const members = pairs.map((pair) => pair.map((text) => JSON.stringify(text)).join(':'));
          const { text } = await put(`{"key":"k","second":1,"params":{${members.join(',')}}}`);
          expect([...(await plans.get('k')).params]).toEqual(pairs);
          const [, params = ''] = /"params":(.*)\}\}$/s.exec(text) ?? [];
          expect(text).toMatch(/^[ -~]*$/);
          expect(Object.entries(JSON.parse(params) as object).length).toBe(pairs.length);
        },
      ),
      { numRuns: 100 },
    );
  });
});

/** A crontab body of so many plans with so many params each. */
function manyParams(plans: number, params: number): string {
  const text = Array.from({ length: params }, (_, index) => `p${index}=`).join(';');
  return `k 1 * * * * * shell '${text}'\n`.repeat(plans);
}

describe('a crontab body', () => {
  test('makes a plan of each line, by the rules of set', async () => {
    const { data } = await crontab(
      "k1 */5/2 * * * * * shell 'cmd=ls'\n\nk2 0 32 16 * * * http url=http://a/\r\n",
    );
    expect(data).toMatchObject([
      {
        key: 'k1',
        is_time_out: true,
        second: 5,
        minute: 0,
        week: 0,
        count: 2,
        params: { cmd: 'ls' },
      },
      {
        key: 'k2',
        is_time_out: false,
        second: 0,
        minute: 32,
        hour: 16,
        day: -1,
        week: -1,
        count: 0,
      },
    ]);
  });

  test('a single line is answered as one plan, whatever the verb', async () => {
    const { data } = await send('PUT', "k1 0 0 4 * * * shell 'cmd=ls'", 'application/crontab');
    expect(data).toMatchObject({ key: 'k1', is_time_out: false });
  });

  test.each([
    ['eight words', 'k1 * * * * * * shell'],
    ['ten words that are no params', "k1 1 * * * * * shell 'cmd=ls' x"],
    ['a semicolon at the top', "k1 1 * * * * * shell 'cmd=ls'; k2 1 * * * * * shell 'cmd=ls'"],
    ['a bare command', 'k1 1 * * * * * shell ls'],
    ['a field that is none', "k1 x * * * * * shell 'cmd=ls'"],
    ['a good line before a bad one', "k1 1 * * * * * shell 'cmd=ls'\nk2"],
    ['a line with nothing but a semicolon', "k1 1 * * * * * shell 'cmd=ls'\n;\n"],
    ['more than 10,000 lines', "k 1 * * * * * shell 'cmd=ls'\n".repeat(10_001)],
    ['a line of 300,000 words', `k1 1 * * * * * shell ${'a=b '.repeat(300_000)}`],
    ['a line of 100,000 params', `k1 1 * * * * * shell '${'a=b;'.repeat(100_000)}'`],
    ['300,000 params in all', manyParams(1_500, 200)],
  ])('%s is 400, and nothing is made', async (_what, body) => {
    expect(await crontab(body)).toMatchObject({ status: 400, errcode: 1007 });
    expect(await plans.keys('')).toEqual([]);
  });

  test('no line is 1001, as no plan is in JSON', async () => {
    expect(await crontab(' \n\n')).toMatchObject({ status: 200, errcode: 1001 });
  });
});

describe('GET and DELETE of a plan', () => {
  test('answer it, DELETE for the last time', async () => {
    const { data } = await put({ key: 'a b/é', second: 3 });
    const path = `/v1/plan?key=${encodeURIComponent('a b/é')}`;
    expect((await ask(path)).data).toEqual(data);
    expect((await ask('/v1/plan?key=a+b%2Fé')).data).toEqual(data);
    expect((await ask(path, { method: 'DELETE' })).data).toEqual(data);
    expect(await ask(path)).toMatchObject({ errcode: 1003 });
    expect(await ask(path, { method: 'DELETE' })).toMatchObject({ errcode: 1003 });
  });

  test.each(['GET', 'DELETE'])('%s with an empty key is 1007, with none 1001', async (method) => {
    expect(await ask('/v1/plan?key=', { method })).toMatchObject({ status: 200, errcode: 1007 });
    expect(await ask('/v1/plan', { method })).toMatchObject({ status: 200, errcode: 1001 });
  });

  test('a key that is no UTF-8 is 400: two keys must not become one', async () => {
    expect(await ask('/v1/plan?key=%ff')).toMatchObject({ status: 400, errcode: 1007 });
  });
});

describe('lists', () => {
  test('time answers the plans of that second, and what second it is', async () => {
    await put({ key: 'a', second: 3 });
    await put({ key: 'b', second: 4 });
    expect((await ask(`/v1/time?timestamp=${T0 + 3}`)).data).toMatchObject({
      plans: [{ key: 'a' }],
      current_timestamp: T0,
    });
  });

  test('time without a timestamp, or an empty one, is of the current second; 0 is of second 0', async () => {
    await put({ key: 'now', count: 1 });
    for (const path of ['/v1/time', '/v1/time?timestamp=']) {
      expect((await ask(path)).data).toMatchObject({ plans: [{ key: 'now' }] });
    }
    for (const timestamp of ['0', '-1', '99999999999999']) {
      expect((await ask(`/v1/time?timestamp=${timestamp}`)).data).toMatchObject({ plans: [] });
    }
  });

  test.each(['x', '5.9', '1e3', '0x10', '99999999999999999'])(
    'a timestamp %s is 1007',
    async (timestamp) => {
      expect(await ask(`/v1/time?timestamp=${timestamp}`)).toMatchObject({ errcode: 1007 });
    },
  );

  test('keys begin with the prefix, of which blanks and stars at the end are dropped', async () => {
    await put([
      { key: 'tea', second: 9 },
      { key: 'time', second: 9 },
      { key: 'other', second: 9 },
    ]);
    expect((await ask('/v1/keys')).data).toEqual(['other', 'tea', 'time']);
    expect((await ask('/v1/keys?prefix=t')).data).toEqual(['tea', 'time']);
    expect((await ask('/v1/keys?prefix=t*')).data).toEqual(['tea', 'time']);
  });

  test('a list longer than a reply may be is refused, and says what to ask instead', async () => {
    door = await openHttpDoor({ plans }, { replyBytes: 1_000 });
    const params = { cmd: 'x'.repeat(300) };
    await put([
      { key: 'a'.repeat(500), second: 3, params },
      { key: 'b'.repeat(500), second: 3, params },
    ]);
    const keys = await ask('/v1/keys');
    expect(keys).toMatchObject({ status: 200, errcode: 1007 });
    expect(keys.errmsg).toContain('narrow the prefix');
    expect(await ask(`/v1/time?timestamp=${T0 + 3}`)).toMatchObject({ errcode: 1007 });
    expect((await ask('/v1/keys?prefix=a')).data).toHaveLength(1);
  });
});
