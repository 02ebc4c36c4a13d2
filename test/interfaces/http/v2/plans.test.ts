import http from 'node:http';

import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';

import { T0 } from '../../../support/plans.ts';
import {
  openV2Door,
  type V2Answer,
  type V2Door,
  type V2Request,
} from '../../../support/v2-door.ts';

let v2: V2Door;

beforeEach(async () => {
  v2 = await openV2Door();
});

const inHalfAnHour = { schedule: { in: 1_800 }, action: 'probe' };

const put = (key: string, body: unknown, headers: V2Request['headers'] = {}): Promise<V2Answer> =>
  v2.ask('PUT', `/v2/plans/${encodeURIComponent(key)}`, { body, headers });
const get = (key: string): Promise<V2Answer> =>
  v2.ask('GET', `/v2/plans/${encodeURIComponent(key)}`);

describe('PUT /v2/plans/{key}', () => {
  test('makes a plan once, and replaces it from then on', async () => {
    const made = await put('order-17', inHalfAnHour);
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe('/v2/plans/order-17');
    expect(made.body).toEqual({
      key: 'order-17',
      schedule: { every: 1_800, count: 1 },
      action: 'probe',
      params: {},
      policy: {},
      status: 'none',
      fired_count: 0,
      created_time: '2023-11-14T22:13:20Z',
      created_time_epoch: T0,
      next_fire_time: '2023-11-14T22:43:20Z',
      next_fire_time_epoch: T0 + 1_800,
      last_fire_time: null,
      last_fire_time_epoch: null,
      running: 0,
      unfinished: [],
    });
    const replaced = await put('order-17', inHalfAnHour);
    expect([replaced.status, replaced.body]).toEqual([200, made.body]);
    expect(replaced.headers.has('location')).toBe(false);
  });

  test('with If-None-Match: * it makes what is absent, and leaves what is there', async () => {
    const onlyNew = { 'if-none-match': '*' };
    expect((await put('a', inHalfAnHour, onlyNew)).status).toBe(201);
    const refused = await put('a', { ...inHalfAnHour, schedule: { in: 5 } }, onlyNew);
    expect(refused.body).toMatchObject({ status: 412, code: 1008, name: 'plan_exists' });
    expect((await get('a')).body).toMatchObject({ schedule: { every: 1_800 } });
  });

  test('a condition that cannot be held is refused, not passed over', async () => {
    await put('a', inHalfAnHour);
    expect((await put('a', inHalfAnHour, { 'if-match': '"7"' })).status).toBe(412);
    const headers = { 'if-none-match': '*' };
    expect((await v2.ask('DELETE', '/v2/plans/a', { headers })).status).toBe(412);
    expect((await v2.ask('POST', '/v2/plans:batch', { body: '{}', headers })).status).toBe(412);
    expect((await v2.ask('GET', '/v2/plans/a', { headers })).status).toBe(200);
    expect((await put('a', inHalfAnHour, { 'if-none-match': '"7"' })).body).toMatchObject({
      status: 422,
      detail: expect.stringContaining('If-None-Match is "\\"7\\""') as unknown,
    });
  });
});

test('POST /v2/plans makes a plan under a new key each time, and says where', async () => {
  const first = await v2.ask('POST', '/v2/plans', { body: inHalfAnHour });
  const second = await v2.ask('POST', '/v2/plans', { body: inHalfAnHour });
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.body?.['key']).not.toBe(first.body?.['key']);
  const there = await v2.ask('GET', first.headers.get('location') ?? '');
  expect(there.body).toEqual(first.body);
});

test('POST /v2/plans with a key makes that plan, and never replaces one', async () => {
  const made = await v2.ask('POST', '/v2/plans', { body: { ...inHalfAnHour, key: 'order/17' } });
  expect([made.status, made.body?.['key']]).toEqual([201, 'order/17']);
  expect(made.headers.get('location')).toBe('/v2/plans/order%2F17');
  const soon = { schedule: { in: 5 }, action: 'probe', key: 'order/17' };
  const refused = await v2.ask('POST', '/v2/plans', { body: soon });
  expect(refused.body).toMatchObject({ status: 412, code: 1008, name: 'plan_exists' });
  expect((await get('order/17')).body).toEqual(made.body);
});

test('DELETE removes a plan once, with nothing to say', async () => {
  await put('a', inHalfAnHour);
  const removed = await v2.ask('DELETE', '/v2/plans/a');
  expect([removed.status, removed.body]).toEqual([204, undefined]);
  const again = await v2.ask('DELETE', '/v2/plans/a');
  expect(again.body).toMatchObject({ status: 404, code: 1003, name: 'plan_not_found' });
  expect((await get('a')).status).toBe(404);
});

describe('POST /v2/plans/{key}:trigger', () => {
  const trigger = (key: string): Promise<V2Answer> =>
    v2.ask('POST', `/v2/plans/${encodeURIComponent(key)}:trigger`);

  test('fires once more, under a fire id of its own, beside schedule and count', async () => {
    await put('a', inHalfAnHour);
    const { status, body } = await trigger('a');
    expect(status).toBe(202);
    expect(body).toMatchObject({ fire_time: '2023-11-14T22:13:20Z', fire_time_epoch: T0 });
    await v2.rig.pass(1);
    expect(v2.rig.probe.runs.map(({ fireId }) => fireId)).toEqual([body?.['fire_id']]);
    expect((await get('a')).body).toMatchObject({
      schedule: { every: 1_800, count: 1 },
      next_fire_time_epoch: T0 + 1_800,
    });
    await v2.rig.pass(1_800);
    expect(v2.rig.probe.runs).toHaveLength(2);
  });

  test('409 while as many firings are unfinished as may be; the plan shows them', async () => {
    const held = { ...inHalfAnHour, params: { hold: '' }, policy: { max_unfinished: 1 } };
    await put('a', held);
    const { body } = await trigger('a');
    await v2.rig.pass(1);
    expect((await trigger('a')).body).toMatchObject({ status: 409, code: 1009 });
    expect((await get('a')).body).toMatchObject({
      running: 1,
      unfinished: [{ fire_id: body?.['fire_id'], attempt: 1, state: 'in_flight' }],
    });
  });

  test('404 for a plan that is not there; a body may be {} and nothing else', async () => {
    expect((await trigger('a')).status).toBe(404);
    await put('a', inHalfAnHour);
    expect((await v2.ask('POST', '/v2/plans/a:trigger', { body: {} })).status).toBe(202);
    const refused = await v2.fetch('/v2/plans/a:trigger', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"at":"noon"}',
    });
    expect(refused.status).toBe(422);
  });
});

describe('keys', () => {
  const key = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text) && !/^\.{1,2}$/.test(text));

  test('whatever a key is, its path names that plan and no other', async () => {
    const odd = ['a/b', 'a%2Fb', 'a%b', 'a+b', 'a b', '?x=1', '#1', 'ü/😀', ':batch', 'a;b', '...'];
    const keys = fc.oneof(fc.constantFrom(...odd), key);
    await fc.assert(
      fc.asyncProperty(keys, async (key) => {
        const { body, headers } = await put(key, inHalfAnHour);
        expect(body?.['key']).toBe(key);
        expect((await get(key)).body).toEqual(body);
        const location = headers.get('location');
        if (location !== null) expect((await v2.ask('GET', location)).body).toEqual(body);
        expect((await v2.ask('DELETE', `/v2/plans/${encodeURIComponent(key)}`)).status).toBe(204);
      }),
      { numRuns: 60 },
    );
  });

  test('dots are a key like any other, where a client sends them; a # is none', async () => {
    const status = (path: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port: v2.port, path };
        http.get(options, (reply) => resolve(reply.resume().statusCode)).on('error', reject);
      });
    for (const key of ['.', '..']) {
      await v2.ask('POST', '/v2/plans:batch', { body: { plans: [{ ...inHalfAnHour, key }] } });
      expect(await status(`/v2/plans/${key}`)).toBe(200);
      expect(await status(`/v2/plans/${key.replaceAll('.', '%2E')}`)).toBe(200);
    }
    await put('a', inHalfAnHour);
    expect(await status('/v2/plans/a#b')).toBe(400);
  });

  test('a key may end in :trigger: what is posted to has one more', async () => {
    await put('a', inHalfAnHour);
    await put('a:trigger', inHalfAnHour);
    expect((await get('a:trigger')).body).toMatchObject({ key: 'a:trigger' });
    const fired = await v2.ask('POST', '/v2/plans/a:trigger:trigger');
    expect(fired.body?.['fire_id']).toMatch(/^a:trigger:\d+:\d+:t1$/);
    const { text } = await raw('POST', '/v2/plans/a%3Atrigger');
    expect(JSON.parse(text)).toMatchObject({
      fire_id: expect.stringMatching(/^a:\d+:\d+:t1$/) as unknown,
    });
  });

  test('a / that is not written %2F is no part of a key, which the refusal says', async () => {
    const { status, headers, text } = await raw('GET', '/v2/plans/a/b');
    expect(status).toBe(404);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(text).toContain('a / in a key is written %2F');
    expect((await raw('GET', '/v2/plans/')).status).toBe(404);
  });
});

async function raw(method: string, path: string, init: RequestInit = {}) {
  const response = await v2.fetch(path, { method, ...init });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

describe('what is no request for a plan', () => {
  const json = { 'content-type': 'application/json' };

  test('400 for what is no JSON, or cannot be read without loss', async () => {
    for (const body of [
      '',
      '{',
      '{"schedule":{"in":5},"action":"probe","action":"probe"}',
      '{"schedule":{"every":5,"count":9007199254740993},"action":"probe"}',
      '[1,]',
      '{"action":"\\ud800',
    ]) {
      const { status, body: problem } = await v2.ask('POST', '/v2/plans', { body, headers: json });
      expect([body, status]).toEqual([body, 400]);
      expect(problem).toMatchObject({
        title: 'Bad Request',
        detail: expect.stringMatching(/^the body cannot be read: /) as unknown,
      });
    }
    const bytes = Buffer.from([0x22, 0xff, 0x22]);
    expect((await raw('POST', '/v2/plans', { headers: json, body: bytes })).status).toBe(400);
  });

  test('415 for another Content-Type, or none; 413 for too much', async () => {
    const headers = { 'content-type': 'text/plain' };
    expect((await v2.ask('POST', '/v2/plans', { body: '{}', headers })).body).toMatchObject({
      status: 415,
      detail: 'Content-Type is "text/plain", expected application/json',
    });
    expect((await raw('POST', '/v2/plans')).status).toBe(415);
    const zipped = { ...json, 'content-encoding': 'gzip' };
    expect((await v2.ask('POST', '/v2/plans', { body: '{}', headers: zipped })).body).toMatchObject(
      {
        status: 415,
        detail: 'Content-Encoding is "gzip", expected none',
      },
    );
    const large = `"${'x'.repeat(5 * 1024 * 1024)}"`;
    expect((await v2.ask('POST', '/v2/plans', { body: large, headers: json })).status).toBe(413);
  });

  test('405 says what there is', async () => {
    for (const [method, path, allow] of [
      ['PATCH', '/v2/plans/a', ['DELETE', 'GET', 'HEAD', 'POST', 'PUT']],
      ['POST', '/v2/plans/a', ['DELETE', 'GET', 'HEAD', 'PUT']],
      ['DELETE', '/v2/plans', ['GET', 'HEAD', 'POST']],
      ['GET', '/v2/plans:batch', ['POST']],
      ['POST', '/v2/agenda', ['GET', 'HEAD']],
      ['PUT', '/v2/openapi.json', ['GET', 'HEAD']],
    ] as const) {
      const { status, headers, text } = await raw(method, path);
      expect([method, path, status]).toEqual([method, path, 405]);
      expect(headers.get('allow')?.split(', ').sort()).toEqual(allow);
      expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(JSON.parse(text)).toMatchObject({ status: 405, title: 'Method Not Allowed' });
    }
  });

  test('a HEAD is answered as a GET, without its body', async () => {
    await put('a', inHalfAnHour);
    const { status, text } = await raw('HEAD', '/v2/plans/a');
    expect([status, text]).toEqual([200, '']);
  });
});

describe('a body whose fields are not what they must be', () => {
  /** Pointers and details of each fault. */
  const faults = async (body: unknown): Promise<readonly string[]> => {
    const answer = await v2.ask('POST', '/v2/plans', { body });
    expect(answer.body).toMatchObject({ status: 422, code: 1007, name: 'bad_argument' });
    const errors = answer.body?.['errors'] as readonly { pointer: string; detail: string }[];
    expect(answer.body?.['detail']).toBe(errors[0]?.detail);
    return errors.map(({ pointer, detail }) => `${pointer}: ${detail}`);
  };

  test.each<[string, unknown, readonly string[]]>([
    ['no object', [], [': the body is an array, expected an object']],
    [
      'nothing at all',
      {},
      [
        '/schedule: schedule is missing, expected an object with every, in, at, cron or calendar in it',
        '/action: action is missing, expected the name of an action',
      ],
    ],
    [
      'fields that are none',
      { ...inHalfAnHour, retries: 3, __proto: 1 },
      ['/retries: there is no field "retries"', '/__proto: there is no field "__proto"'],
    ],
    [
      'a schedule of no kind',
      { action: 'probe', schedule: { count: 3 } },
      [
        '/schedule: schedule is an object, expected an object with every, in, at, cron or calendar in it',
      ],
    ],
    [
      'a schedule of two kinds',
      { action: 'probe', schedule: { every: 5, cron: '* * * * *' } },
      ['/schedule/cron: there is no field "cron" in schedule'],
    ],
    [
      'a number that is none',
      { action: 'probe', schedule: { every: 5, count: '3' } },
      ['/schedule/count: schedule.count is "3", expected a whole number, 0 to 9007199254740991'],
    ],
    [
      'a part of a second',
      { action: 'probe', schedule: { in: 1.5 } },
      ['/schedule/in: schedule.in is 1.5, expected a whole number, 0 to 2831068800'],
    ],
    [
      'a time in milliseconds',
      { action: 'probe', schedule: { at: 1_893_456_000_000 } },
      [
        '/schedule/at: schedule.at is 1893456000000, expected a time such as "2026-11-21T16:32:00Z", or whole seconds since 1970-01-01T00:00:00Z (not milliseconds)',
      ],
    ],
    [
      'a time that is too early',
      { action: 'probe', schedule: { at: '1960-01-01T00:00:00Z' } },
      [
        '/schedule/at: schedule.at is "1960-01-01T00:00:00Z", expected a time such as "2026-11-21T16:32:00Z", or whole seconds since 1970-01-01T00:00:00Z, of the years 1970 to 9999',
      ],
    ],
    [
      'a field of an interval',
      { action: 'probe', schedule: { every: { minute: -1 } } },
      ['/schedule/every/minute: schedule.every.minute is -1, expected a whole number, 0 to 32767'],
    ],
    [
      'a field of a calendar',
      { action: 'probe', schedule: { calendar: { hour: 24, dow: 1 } } },
      [
        '/schedule/calendar/hour: schedule.calendar.hour is 24, expected a whole number, 0 to 23',
        '/schedule/calendar/dow: there is no field "dow" in schedule.calendar',
      ],
    ],
    [
      'what is no object',
      { action: 'probe', schedule: { calendar: 5 }, policy: [], params: 'a=b' },
      [
        '/schedule/calendar: schedule.calendar is 5, expected an object',
        '/params: params is a text, expected an object of texts',
        '/policy: policy is an array, expected an object',
      ],
    ],
    [
      'a policy',
      { ...inHalfAnHour, policy: { misfire: 'never', retries: 101 } },
      [
        '/policy/misfire: policy.misfire is "never", expected "fire_once", "fire_all" or "skip"',
        '/policy/retries: policy.retries is 101, expected a whole number, 0 to 100',
      ],
    ],
    [
      'params, whose values are not shown',
      { ...inHalfAnHour, params: { 'a/b': 31_337, c: null } },
      ['/params/a~1b: params.a/b is a number, expected a text'],
    ],
  ])('names what came and what was expected: %s', async (_what, body, expected) => {
    expect(await faults(body)).toEqual(expected);
  });

  test('__proto__ is a field that there is not, and a param like any other', async () => {
    expect(await faults('{"schedule":{"in":5},"action":"probe","__proto__":{}}')).toEqual([
      '/__proto__: there is no field "__proto__"',
    ]);
    const body = '{"schedule":{"in":5},"action":"probe","params":{"__proto__":"x","1":"y"}}';
    const { status } = await v2.ask('PUT', '/v2/plans/a', { body });
    expect(status).toBe(201);
    const { text } = await raw('GET', '/v2/plans/a');
    expect(text).toContain('"params":{"1":"y","__proto__":"x"}');
  });

  test('no more faults are looked for than can be read, though many thousands came', async () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`x${n}`, n]));
    expect(await faults({ ...inHalfAnHour, ...many(90) })).toHaveLength(10);
    expect(await faults({ ...inHalfAnHour, params: many(50_000) })).toEqual([
      '/params/x0: params.x0 is a number, expected a text',
    ]);
    expect(await faults({ action: 'probe', schedule: { every: many(50_000) } })).toEqual([
      '/schedule/every: schedule.every has 50000 fields, expected at most 100',
    ]);
  });

  test('what core refuses has the code that core gives it', async () => {
    for (const [body, code] of [
      [{ ...inHalfAnHour, action: 'bogus' }, 1006],
      [{ ...inHalfAnHour, params: { refuse: '' } }, 1007],
      [{ action: 'probe', schedule: { every: 0 } }, 1002],
      [{ action: 'probe', schedule: { cron: 'at noon' } }, 1007],
      [{ action: 'probe', schedule: { cron: '* * * * *', timezone: 'Mars' } }, 1007],
      [{ action: 'probe', schedule: { at: T0 - 1 } }, 1002],
      [{ ...inHalfAnHour, params: { 'forsun.retries': '1' } }, 1007],
    ] as const) {
      const answer = await v2.ask('POST', '/v2/plans', { body });
      expect(answer.body).toMatchObject({ status: 422, code });
    }
    expect((await put('a\0b', inHalfAnHour)).body).toMatchObject({ status: 422, code: 1007 });
  });
});
