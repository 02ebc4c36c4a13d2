import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { z } from 'zod';

import { planNotStored } from '../../../../src/core/errors.ts';
import { everybody } from '../../../../src/interfaces/access/caller.ts';
import { parseJson } from '../../../../src/interfaces/http/json.ts';
import { HttpRefusal } from '../../../../src/interfaces/http/refusal.ts';
import { openApi } from '../../../../src/interfaces/http/v2/openapi.ts';
import { batchItem, newPlanBody, planBody } from '../../../../src/interfaces/http/v2/plan-body.ts';
import { readJson } from '../../../../src/interfaces/http/v2/read.ts';
import { MemoryPlans } from '../../../support/memory-plans.ts';
import { OpenApiCheck, type OpenApiDocument } from '../../../support/openapi-check.ts';
import { RawClient } from '../../../support/raw-client.ts';
import { RecordedLog } from '../../../support/recorded-log.ts';
import { openV2Door, type V2Door, type V2Request } from '../../../support/v2-door.ts';

const plan = { schedule: { in: 60 }, action: 'probe' };

/** Each operation of /v2, asked for what it does. */
const operations: readonly (readonly [method: string, path: string, body?: unknown])[] = [
  ['PUT', '/v2/plans/a', plan],
  ['GET', '/v2/plans/a'],
  ['POST', '/v2/plans/a:trigger'],
  ['DELETE', '/v2/plans/a'],
  ['POST', '/v2/plans', plan],
  ['POST', '/v2/plans:batch', { plans: [plan] }],
  ['GET', '/v2/plans'],
  ['GET', '/v2/agenda'],
  ['GET', '/v2/failures'],
  ['GET', '/v2/info'],
];

type Asked = (typeof operations)[number];

interface Way extends V2Request {
  /** Of which operations; of all. */
  readonly of?: (asked: Asked) => boolean;
  readonly query?: string;
}

/** Asks operations in that way, and expects that status of each. */
async function expectOf(
  door: V2Door,
  status: number,
  { of = () => true, query = '', ...given }: Way = {},
): Promise<void> {
  for (const [method, path, body] of operations.filter(of)) {
    const answer = await door.ask(method, path + query, { body, ...given });
    expect([method, path, answer.status]).toEqual([method, path, status]);
  }
}

/** Asks each operation at once in words that no client library sends, and expects that status of it. */
async function expectOfRaw(door: V2Door, status: number, headers: string): Promise<void> {
  const answers = operations.map(async ([method, path]) => {
    const client = new RawClient(door.port);
    client.send(Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}`));
    await client.closed;
    const [head = '', body = ''] = client.received.toString().split('\r\n\r\n');
    const type = /^content-type: ([^;\r]*)/im.exec(head)?.[1] ?? null;
    door.check.expectAnswer({ method, path }, { status, type, body: JSON.parse(body) });
    return head;
  });
  for (const head of await Promise.all(answers)) {
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  }
}

const isBatch = ([, path]: Asked): boolean => path.endsWith(':batch');
const isInfo = ([, path]: Asked): boolean => path === '/v2/info';
const isChange = ([method]: Asked): boolean => method !== 'GET';

test('the document has each answer that is given, and each that it has is given', async () => {
  const door = await openV2Door({}, { bodyBytes: 10_000 });
  const statuses: number[] = [];
  for (const [method, path, body] of operations) {
    statuses.push((await door.ask(method, path, { body })).status);
  }
  expect(statuses).toEqual([201, 200, 202, 204, 201, 200, 200, 200, 200, 200]);
  const held = { ...plan, params: { hold: '' }, policy: { max_unfinished: 1 } };
  for (const status of [201, 200]) {
    expect((await door.ask('PUT', '/v2/plans/b', { body: held })).status).toBe(status);
  }
  for (const status of [202, 409]) {
    expect((await door.ask('POST', '/v2/plans/b:trigger')).status).toBe(status);
  }
  await expectOf(door, 404, {
    of: ([method, path]) => path.includes('/a') && method !== 'PUT' && !path.includes('agenda'),
  });
  await expectOf(door, 400, { query: '?%ff' });
  await expectOf(door, 422, { query: '?x=1' });
  await expectOf(door, 412, { of: isChange, headers: { 'if-match': '"1"' } });
  await expectOf(door, 415, { of: isChange, body: 'x', headers: { 'content-type': 'text/x' } });
  await expectOf(door, 413, { of: isChange, body: `"${'x'.repeat(10_000)}"` });
  await expectOfRaw(door, 431, `X: ${'x'.repeat(20_000)}\r\n`);

  const impatient = await openV2Door({}, { headerTimeoutMs: 50 });
  await expectOfRaw(impatient, 408, ''); // the headers do not end

  const refusing = await openRefusingDoor();
  for (const [status, headers] of [
    [401, { 'www-authenticate': 'Bearer' }],
    [429, { 'retry-after': '6' }],
  ] as const) {
    refusing.caller = () => {
      throw new HttpRefusal(status, 'no such token', headers);
    };
    await expectOf(refusing.door, status);
  }
  refusing.caller = () => ({ ...everybody, refusal: () => 'not you' });
  await expectOf(refusing.door, 403);
  refusing.caller = () => ({
    ...everybody,
    refusal: () => {
      throw new TypeError('a bug');
    },
  });
  await expectOf(refusing.door, 500);
  refusing.caller = () => everybody;
  refusing.error = planNotStored('the disk is gone');
  await expectOf(refusing.door, 503, { of: (asked) => !isBatch(asked) && !isInfo(asked) });
  refusing.error = new TypeError('a bug');
  await expectOf(refusing.door, 500, { of: (asked) => !isBatch(asked) });

  const doors = [door, impatient, refusing.door];
  const seen = new Set(doors.flatMap(({ check }) => [...check.seen]));
  const named = door.check.answers.filter((answer) => !answer.endsWith(' default'));
  expect([...seen].sort()).toEqual([...named].sort());
});

test('its schemas take the bodies that the server takes, and no others', () => {
  const check = new OpenApiCheck(openApi([]) as unknown as OpenApiDocument);
  const schedules = [
    ...[{ in: 0 }, { in: -1 }, { in: 1.5 }, { in: '5' }, { in: 2_831_068_801 }],
    ...[
      { every: 5 },
      { every: 5, count: 2 },
      { every: { minute: 1 } },
      { every: { week: 40_000 } },
    ],
    ...[
      { at: 0 },
      { at: '2030-01-01T00:00:00+01:00' },
      { at: 'noon' },
      { at: '2030-02-30T00:00:00Z' },
    ],
    ...[{ cron: '* * * * *' }, { cron: '* * * * *', timezone: 'UTC' }, { cron: 5 }],
    ...[{ calendar: {} }, { calendar: { hour: 24 } }, { calendar: { year: 2030 }, timezone: null }],
    ...[{}, null, [], 'daily', { in: 5, at: 5 }, { count: 1 }],
  ];
  const policies = [
    {},
    { retries: 100 },
    { retries: 101 },
    { misfire: 'skip' },
    { misfire: '' },
    5,
  ];
  const params = [{}, { a: 'b', __proto: '' }, { a: 1 }, { a: null }, [], 'a=b'];
  const body = fc.record(
    {
      schedule: fc.constantFrom(...schedules),
      action: fc.constantFrom('probe', '', 7),
      policy: fc.constantFrom(...policies),
      params: fc.constantFrom(...params),
      key: fc.constantFrom('a', 7),
      only_if_absent: fc.constantFrom(true, 'yes'),
    },
    { requiredKeys: [] },
  );
  const isTaken = (schema: z.ZodType, given: unknown): boolean => {
    try {
      readJson(schema, parseJson(JSON.stringify(given)));
      return true;
    } catch {
      return false;
    }
  };
  const plausible = { schedule: { in: 5 }, action: 'probe' };
  fc.assert(
    fc.property(body, fc.boolean(), (given, isWhole) => {
      const body = isWhole ? { ...plausible, ...given } : given;
      expect(check.takes('PlanBody', body)).toBe(isTaken(planBody, body));
      expect(check.takes('NewPlan', body)).toBe(isTaken(newPlanBody, body));
      expect(check.takes('BatchPlan', body)).toBe(isTaken(batchItem, body));
    }),
    { numRuns: 500 },
  );
});

/** /v2 for callers of whom the test decides, before plans that fail with its error. */
async function openRefusingDoor() {
  const state = { caller: () => everybody, error: new Error() };
  const fail = async (): Promise<never> => Promise.reject(state.error);
  const plans = new Proxy(new MemoryPlans(), { get: () => fail });
  const info = (): never => {
    throw state.error;
  };
  const door = await openV2Door({
    plans,
    info,
    log: new RecordedLog(),
    callerOf: () => state.caller(),
  });
  return Object.assign(state, { door });
}
