import { expect, test } from 'vitest';

import type { Plan } from '../../../src/core/plan.ts';
import { everybody } from '../../../src/interfaces/access/caller.ts';
import { shownTo } from '../../../src/interfaces/access/shown.ts';
import { aDraft, T0 } from '../../support/plans.ts';

const params = new Map([
  ['url', 'http://user:s3cret@host/'],
  ['header_authorization', 's3cret'],
]);

const plan: Plan = {
  ...aDraft({ action: 'http', params }),
  generation: 1,
  createdTime: T0,
  firedCount: 0,
  status: 0,
  unfinished: [],
};

test('who may see secrets sees a plan as it is', () => {
  expect(shownTo(everybody, plan)).toBe(plan);
});

test('who may not sees all of it but its secrets', () => {
  const shown = shownTo({ ...everybody, seesSecrets: false }, plan);
  expect({ ...shown, params }).toEqual(plan);
  expect([...shown.params]).toEqual([
    ['url', 'http://[redacted]@host/'],
    ['header_authorization', '[redacted]'],
  ]);
});
