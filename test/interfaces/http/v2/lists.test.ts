import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';

import { MemoryPlans } from '../../../support/memory-plans.ts';
import { once } from '../../../support/rig.ts';
import { T0 } from '../../../support/plans.ts';
import { openV2Door, type V2Answer, type V2Door } from '../../../support/v2-door.ts';

let v2: V2Door;

beforeEach(async () => {
  v2 = await openV2Door();
});

const make = async (keys: Iterable<string>, inSeconds = 60): Promise<void> => {
  for (const key of keys) await v2.rig.scheduler.create(once(inSeconds, key));
};

const keysOf = ({ body }: V2Answer): readonly string[] =>
  ((body?.['plans'] ?? body?.['failures']) as readonly { key: string }[]).map(({ key }) => key);

/** The keys of each page, from one to the next as the answers say. */
async function pages(path: string, door = v2): Promise<readonly (readonly string[])[]> {
  const pages: (readonly string[])[] = [];
  for (let next: unknown = path; typeof next === 'string';) {
    const answer = await door.ask('GET', next);
    expect(answer.status).toBe(200);
    pages.push(keysOf(answer));
    next = answer.body?.['next'];
  }
  return pages;
}

describe('GET /v2/plans', () => {
  test('pages in key order have every key of the prefix once', async () => {
    const keys = fc.uniqueArray(
      fc.string({ unit: fc.constantFrom('a', 'b', 'é', '😀', '/', '%') }),
      {
        maxLength: 8,
      },
    );
    await fc.assert(
      fc.asyncProperty(
        keys,
        fc.constantFrom('', 'a', 'é'),
        fc.integer({ min: 1, max: 4 }),
        async (keys, prefix, limit) => {
          const door = await openV2Door();
          const given = keys.filter((key) => key !== '');
          for (const key of given) await door.rig.scheduler.create(once(60, key));
          const query = new URLSearchParams({ prefix, limit: String(limit) }).toString();
          const listed = (await pages(`/v2/plans?${query}`, door)).flat();
          const expected = given.filter((key) => key.startsWith(prefix));
          expect(listed).toEqual(
            expected.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
          );
        },
      ),
      { numRuns: 15 },
    );
  });

  test('a page has at most its limit, and names the next while there is one', async () => {
    await make(['a', 'b', 'c', 'd', 'e']);
    expect(await pages('/v2/plans?limit=2')).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect(await pages('/v2/plans?limit=5')).toEqual([['a', 'b', 'c', 'd', 'e']]);
    expect(await pages('/v2/plans?prefix=x')).toEqual([[]]);
    const { body } = await v2.ask('GET', '/v2/plans?limit=2');
    const cursor = String(body?.['next_cursor']);
    expect(keysOf(await v2.ask('GET', `/v2/plans?cursor=${cursor}`))).toEqual(['c', 'd', 'e']);
  });

  test('what is removed between two pages is not missed by the others', async () => {
    await make(['a', 'b', 'c']);
    const { body } = await v2.ask('GET', '/v2/plans?limit=1');
    await v2.rig.scheduler.remove('a');
    await v2.rig.scheduler.remove('b');
    expect(await pages(String(body?.['next']))).toEqual([['c']]);
  });

  test('a page ends before it is longer than a reply may be, with one plan at least', async () => {
    const door = await openV2Door({}, { replyBytes: 20_000 });
    const create = (key: string, length: number) =>
      door.rig.scheduler.create(once(60, key, { text: '\u0001'.repeat(length) }));
    for (const key of ['a', 'b', 'c', 'd']) await create(key, 1_000);
    await create('e', 100_000);
    await create('f', 10);
    expect(await pages('/v2/plans', door)).toEqual([['a', 'b'], ['c', 'd'], ['e'], ['f']]);
  });
});

describe('GET /v2/agenda', () => {
  test('lists by next fire time from `from` on and before `to`, in both forms of a time', async () => {
    await make(['late'], 120);
    await make(['b', 'a'], 60);
    await make(['soon'], 1);
    expect(await pages('/v2/agenda?limit=1')).toEqual([['soon'], ['a'], ['b'], ['late']]);
    expect(await pages(`/v2/agenda?from=${T0 + 60}&to=${T0 + 120}`)).toEqual([['a', 'b']]);
    expect(await pages('/v2/agenda?from=2023-11-14T22:14:20.1Z')).toEqual([['late']]);
    expect(await pages('/v2/agenda?limit=1&to=2023-11-14T22:14:21Z')).toEqual([
      ['soon'],
      ['a'],
      ['b'],
    ]);
    const elsewhere = encodeURIComponent('2023-11-15T00:15:20+02:00');
    expect(await pages(`/v2/agenda?from=${elsewhere}&to=${elsewhere}`)).toEqual([[]]);
  });

  test('a range that ends before it begins is refused', async () => {
    const { body } = await v2.ask('GET', '/v2/agenda?from=10&to=9');
    expect(body).toMatchObject({
      status: 422,
      detail: 'from is 1970-01-01T00:00:10Z, expected no later than to, 1970-01-01T00:00:09Z',
    });
  });
});

describe('GET /v2/failures', () => {
  beforeEach(() => {
    v2.rig.probe.outcome = { kind: 'failed', reason: 'the target said no' };
  });

  /** Each fails in a second of its own, in that order. */
  const fail = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) {
      await make([key], 1);
      await v2.rig.pass(1);
    }
  };

  test('lists what was given up, newest first', async () => {
    await make(['a', 'b'], 1);
    await v2.rig.pass(1);
    await fail('a2');
    const { body } = await v2.ask('GET', '/v2/failures?prefix=a');
    expect(body).toEqual({
      failures: ['a2', 'a'].map((key, index) => ({
        key,
        action: 'probe',
        fire_id: `${key}:${index === 0 ? 3 : 1}:${T0 + 2 - index}`,
        fire_time: `2023-11-14T22:13:2${2 - index}Z`,
        fire_time_epoch: T0 + 2 - index,
        attempts: 1,
        failed_at: `2023-11-14T22:13:2${2 - index}Z`,
        failed_at_epoch: T0 + 2 - index,
        reason: 'the target said no',
      })),
    });
  });

  test('tells what was triggered from what was due, in the words of the trigger', async () => {
    await make(['a'], 1);
    const { body: triggered } = await v2.ask('POST', '/v2/plans/a:trigger');
    await v2.rig.pass(1);
    const { body } = await v2.ask('GET', '/v2/failures');
    const [due, once] = body?.['failures'] as readonly Record<string, unknown>[];
    expect(due).toMatchObject({ fire_id: `a:1:${T0 + 1}` });
    expect(once).toMatchObject({ ...triggered, attempts: 1 });
  });

  test('pages have each once, though more fail meanwhile', async () => {
    await fail('b', 'a1', 'a2', 'b', 'a3', 'a4', 'a5');
    const first = await v2.ask('GET', '/v2/failures?prefix=a&limit=2');
    expect(keysOf(first)).toEqual(['a5', 'a4']);
    await fail('a6');
    expect(await pages(String(first.body?.['next']))).toEqual([['a3', 'a2'], ['a1']]);
    const cursor = String(first.body?.['next_cursor']);
    expect(await pages(`/v2/failures?limit=9&cursor=${cursor}`)).toEqual([
      ['a3', 'b', 'a2', 'a1', 'b'],
    ]);
    expect(await pages('/v2/failures?prefix=x')).toEqual([[]]);
  });

  test('a store may number them as high as a number can be told exactly', async () => {
    const plans = new MemoryPlans();
    const failure = { action: 'probe', generation: 1, fireTime: T0, failedAt: T0, attempts: 1 };
    for (const [at, key] of ['c', 'b', 'a'].entries()) {
      plans.failed.push({ ...failure, key, reason: '', number: Number.MAX_SAFE_INTEGER - at });
    }
    const door = await openV2Door({ plans });
    expect(await pages('/v2/failures?limit=1', door)).toEqual([['c'], ['b'], ['a']]);
    for (const number of ['9007199254740992', '99999999999999999999', '1e3', '-1', '']) {
      const cursor = Buffer.from(`f${number}`).toString('base64url');
      expect((await door.ask('GET', `/v2/failures?cursor=${cursor}`)).status).toBe(422);
    }
  });

  test('a page ends before it is longer than a reply may be, with one failure at least', async () => {
    const door = await openV2Door({}, { replyBytes: 6_000 });
    door.rig.probe.outcome = { kind: 'failed', reason: '\u0001'.repeat(256) };
    for (const key of ['a', 'b', 'c']) await door.rig.scheduler.create(once(1, key));
    await door.rig.pass(1);
    expect(await pages('/v2/failures', door)).toEqual([['c', 'b'], ['a']]);
  });
});

test('GET /v2/info answers what info shows', async () => {
  expect((await v2.ask('GET', '/v2/info')).body).toEqual({ forsun_version: '0.1.0' });
});

test.each([
  ['/v2/plans?limit=0', 'limit', 'limit is 0, expected a whole number, 1 to 1000'],
  ['/v2/plans?limit=1001', 'limit', 'limit is 1001, expected a whole number, 1 to 1000'],
  ['/v2/plans?limit=1e2', 'limit', 'limit is "1e2", expected a whole number, 1 to 1000'],
  ['/v2/plans?limit=', 'limit', 'limit is "", expected a whole number, 1 to 1000'],
  ['/v2/plans?Prefix=a', 'Prefix', 'there is no query parameter "Prefix"'],
  ['/v2/plans?cursor=x', 'cursor', 'cursor is "x", expected the next_cursor of the page before'],
  ['/v2/info?x', 'x', 'there is no query parameter "x"'],
  [
    '/v2/agenda?from=2023-11-15T00:15:20+02:00',
    'from',
    'from is "2023-11-15T00:15:20 02:00", expected a time such as "2026-11-21T16:32:00Z", or whole seconds since 1970-01-01T00:00:00Z',
  ],
])('a query that is not understood is refused by name: %s', async (path, pointer, detail) => {
  const { body } = await v2.ask('GET', path);
  expect(body).toMatchObject({ status: 422, detail, errors: [{ pointer }] });
});

test('a query has each name once, in UTF-8', async () => {
  expect((await v2.ask('GET', '/v2/plans?limit=1&limit=2')).body).toMatchObject({
    status: 422,
    detail: 'the query has "limit" twice, expected it once',
  });
  expect((await v2.ask('GET', '/v2/plans?prefix=%ff')).status).toBe(400);
});

test('the cursor of one list is none of another', async () => {
  await make(['a', 'b']);
  const { body } = await v2.ask('GET', '/v2/plans?limit=1');
  const cursor = String(body?.['next_cursor']);
  for (const path of ['/v2/agenda', '/v2/failures']) {
    expect((await v2.ask('GET', `${path}?cursor=${cursor}`)).status).toBe(422);
  }
});
