import { beforeEach, describe, expect, test } from 'vitest';

import { T0 } from '../../../support/plans.ts';
import { openV2Door, type V2Door } from '../../../support/v2-door.ts';

let v2: V2Door;

beforeEach(async () => {
  v2 = await openV2Door();
});

const inHalfAnHour = { schedule: { in: 1_800 }, action: 'probe' };

describe('PUT /v2/plans/{key}', () => {
  test('makes a plan once, and replaces it from then on', async () => {
    const made = await v2.ask('PUT', '/v2/plans/order-17', { body: inHalfAnHour });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe('/v2/plans/order-17');
    expect(made.body).toMatchObject({
      key: 'order-17',
      schedule: { every: 1_800, count: 1 },
      next_fire_time: '2023-11-14T22:43:20Z',
      next_fire_time_epoch: T0 + 1_800,
      last_fire_time: null,
      status: 'none',
    });
    const replaced = await v2.ask('PUT', '/v2/plans/order-17', { body: inHalfAnHour });
    expect(replaced.status).toBe(200);
    expect(replaced.body).toEqual(made.body);
  });
});
