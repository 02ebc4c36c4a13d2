import { beforeEach, expect, test } from 'vitest';

import { openV2Door, type V2Answer, type V2Door } from '../../../support/v2-door.ts';

let v2: V2Door;

beforeEach(async () => {
  v2 = await openV2Door();
});

const plan = { schedule: { in: 60 }, action: 'probe' };

const batch = (plans: unknown): Promise<V2Answer> =>
  v2.ask('POST', '/v2/plans:batch', { body: { plans } });

test('each plan of a batch has its own result, in their order; a bad one harms no other', async () => {
  await v2.ask('PUT', '/v2/plans/there', { body: plan });
  const { status, body } = await batch([
    { ...plan, key: 'a' },
    { ...plan, key: 'there' },
    { ...plan, key: 'there', only_if_absent: true },
    { ...plan, key: 'b', schedule: { every: 0 } },
    { ...plan, key: 'b', count: 1 },
    7,
    { ...plan, params: { refuse: '' } },
    plan,
  ]);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    results: [
      { status: 201, plan: { key: 'a' } },
      { status: 200, plan: { key: 'there' } },
      { status: 412, problem: { code: 1008 } },
      { status: 422, problem: { code: 1002 } },
      { status: 422, problem: { errors: [{ pointer: '/count' }] } },
      { status: 422, problem: { detail: 'the body is 7, expected an object' } },
      { status: 422, problem: { code: 1007 } },
      { status: 201, plan: { next_fire_time: '2023-11-14T22:14:20Z' } },
    ],
  });
  expect(await v2.rig.scheduler.keys('')).toHaveLength(3);
});

test('plans of one key take effect in their order', async () => {
  for (const there of [false, true]) {
    const key = there ? 'there' : 'absent';
    if (there) await v2.ask('PUT', `/v2/plans/${key}`, { body: plan });
    const seconds = Array.from({ length: 50 }, (_, n) => n + 1);
    const { body } = await batch(seconds.map((s) => ({ ...plan, key, schedule: { in: s } })));
    const results = body?.['results'] as readonly { status: number }[];
    expect(results.map(({ status }) => status)).toEqual(
      seconds.map((s) => (s > 1 || there ? 200 : 201)),
    );
    const { body: last } = await v2.ask('GET', `/v2/plans/${key}`);
    expect(last).toMatchObject({ schedule: { every: 50 } });
  }
});

test('a batch has 1 to 1,000 plans; one of more makes none', async () => {
  for (const plans of [[], Array.from({ length: 1_001 }, () => plan), {}, undefined]) {
    const { body } = await batch(plans);
    expect(body).toMatchObject({ status: 422, errors: [{ pointer: '/plans' }] });
  }
  expect(await v2.rig.scheduler.keys('')).toEqual([]);
  const { body } = await batch(Array.from({ length: 1_000 }, () => plan));
  expect(body?.['results']).toHaveLength(1_000);
  expect(await v2.rig.scheduler.keys('')).toHaveLength(1_000);
});
