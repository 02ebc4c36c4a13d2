import { beforeEach, expect, test } from 'vitest';

import { planNotStored } from '../../../../src/core/errors.ts';
import { everybody, type Wish } from '../../../../src/interfaces/access/caller.ts';
import { type Grant, refusalBy } from '../../../../src/interfaces/access/grant.ts';
import { MemoryPlans } from '../../../support/memory-plans.ts';
import { RecordedLog } from '../../../support/recorded-log.ts';
import { openV2Door, type V2Door } from '../../../support/v2-door.ts';

const plan = { schedule: { in: 60 }, action: 'probe' };

let v2: V2Door;
let wishes: Wish[];
let refusal: (wish: Wish) => string | undefined;

beforeEach(async () => {
  wishes = [];
  refusal = () => undefined;
  const caller = {
    ...everybody,
    refusal: (wish: Wish) => {
      wishes.push(wish);
      return refusal(wish);
    },
  };
  v2 = await openV2Door({ callerOf: () => caller });
});

/** What a request asks its caller to be allowed, in turn. */
async function wishesOf(method: string, path: string, body?: unknown): Promise<readonly Wish[]> {
  wishes = [];
  await v2.ask(method, path, { body });
  return wishes;
}

test('each request asks for its role, of what it touches', async () => {
  const write = { role: 'write' };
  expect(await wishesOf('PUT', '/v2/plans/a%2Fb', plan)).toEqual([
    { ...write, key: 'a/b' },
    { ...write, key: 'a/b', action: 'probe' },
  ]);
  expect(await wishesOf('POST', '/v2/plans', plan)).toEqual([
    write,
    { ...write, key: '', action: 'probe' },
  ]);
  expect(await wishesOf('POST', '/v2/plans', { ...plan, key: 'c' })).toEqual([
    write,
    { ...write, key: 'c', action: 'probe' },
  ]);
  const batch = {
    plans: [
      { ...plan, key: 'x' },
      { ...plan, key: 'y' },
    ],
  };
  expect(await wishesOf('POST', '/v2/plans:batch', batch)).toEqual([
    write,
    { ...write, key: 'x', action: 'probe' },
    { ...write, key: 'y', action: 'probe' },
  ]);
  expect(await wishesOf('POST', '/v2/plans/a:trigger')).toEqual([{ ...write, key: 'a' }]);
  expect(await wishesOf('DELETE', '/v2/plans/a')).toEqual([{ ...write, key: 'a' }]);
  expect(await wishesOf('GET', '/v2/plans/a')).toEqual([{ role: 'read', key: 'a' }]);
  for (const path of ['/v2/plans?prefix=a', '/v2/failures?prefix=a']) {
    expect(await wishesOf('GET', path)).toEqual([{ role: 'read' }, { role: 'read', prefix: 'a' }]);
  }
  expect(await wishesOf('GET', '/v2/agenda')).toEqual([
    { role: 'read' },
    { role: 'read', prefix: '' },
  ]);
  expect(await wishesOf('GET', '/v2/info')).toEqual([{ role: 'read' }]);
});

test('who may not is told so before anything else, and nothing is done', async () => {
  refusal = () => 'kept to reading';
  const { status, body } = await v2.ask('PUT', '/v2/plans/a', { body: '{"bad' });
  expect([status, body]).toMatchObject([403, { detail: 'kept to reading' }]);
  expect((await v2.fetch('/v2/openapi.json')).status).toBe(403);
  expect(await v2.rig.scheduler.keys('')).toEqual([]);
});

test('who is kept to a prefix makes and sees plans of such keys, however they are named, and no others', async () => {
  const orders: Grant = { name: 'orders', role: 'write', prefix: 'order-' };
  refusal = (wish) => refusalBy(orders, wish);
  const status = async (method: string, path: string, body?: unknown): Promise<number> =>
    (await v2.ask(method, path, { body })).status;
  const withKey = (key: string) => ({ ...plan, key });
  expect(await status('POST', '/v2/plans', withKey('order-1'))).toBe(201);
  expect(await status('PUT', '/v2/plans/order-2', plan)).toBe(201);
  const plans = [withKey('order-3'), withKey('bill-3'), plan];
  expect((await v2.ask('POST', '/v2/plans:batch', { body: { plans } })).body).toMatchObject({
    results: [{ status: 201 }, { status: 403 }, { status: 403 }],
  });
  expect(await status('POST', '/v2/plans', withKey('bill-1'))).toBe(403);
  expect((await v2.ask('POST', '/v2/plans', { body: plan })).body).toMatchObject({
    status: 403,
    detail: 'orders is kept to keys that begin with "order-", "" came',
  });
  expect(await v2.rig.scheduler.keys('')).toEqual(['order-1', 'order-2', 'order-3']);
  for (const path of ['/v2/plans', '/v2/failures', '/v2/agenda']) {
    expect([path, await status('GET', path)]).toEqual([path, 403]);
  }
  expect(await status('GET', '/v2/plans?prefix=order-')).toBe(200);
  expect(await status('GET', '/v2/failures?prefix=order-1')).toBe(200);
});

test('one plan of a batch that the caller may not make keeps no other from being made', async () => {
  refusal = ({ key }) => (key === 'theirs' ? 'not your key' : undefined);
  const plans = [
    { ...plan, key: 'mine' },
    { ...plan, key: 'theirs' },
  ];
  const { body } = await v2.ask('POST', '/v2/plans:batch', { body: { plans } });
  expect(body).toMatchObject({
    results: [{ status: 201 }, { status: 403, problem: { detail: 'not your key' } }],
  });
  expect(await v2.rig.scheduler.keys('')).toEqual(['mine']);
});

/** Plans that cannot be created: with that error. */
function failing(error: Error): MemoryPlans {
  return Object.assign(new MemoryPlans(), { create: () => Promise.reject(error) });
}

test('503 says that the outcome is unknown, and when to come again', async () => {
  const door = await openV2Door({ plans: failing(planNotStored('the disk is gone')) });
  const { status, headers, body } = await door.ask('PUT', '/v2/plans/a', { body: plan });
  expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  expect(body).toMatchObject({ detail: 'the disk is gone', code: 1004, name: 'plan_not_stored' });
});

test('a bug is logged, alone and in a batch, and its words are not told', async () => {
  const log = new RecordedLog();
  const door = await openV2Door({ plans: failing(new TypeError('secret')), log });
  const problem = { status: 500, detail: 'Internal error', code: 1001, name: 'unknown' };
  expect((await door.ask('POST', '/v2/plans', { body: plan })).body).toMatchObject(problem);
  const batch = await door.ask('POST', '/v2/plans:batch', { body: { plans: [plan] } });
  expect(batch.body).toMatchObject({ results: [{ status: 500, problem }] });
  expect(log.events()).toEqual(['http_request_failed']);
});
