import { expect, test } from 'vitest';

import { readinessOf } from '../../src/metrics/readiness.ts';

const well = {
  storeTrouble: undefined,
  tickAgeSeconds: 0.5,
  claimLagSeconds: 0.6,
  loopLagSeconds: 0,
};

test('a server that does its work is ready', () => {
  expect(readinessOf(well, 10)).toEqual({
    ready: true,
    checks: {
      store: { ok: true },
      clock: { ok: true, seconds: 0.5 },
      due: { ok: true, seconds: 0.6 },
      loop: { ok: true, seconds: 0 },
    },
  });
});

test.each([
  ['store', { storeTrouble: 'the disk is full' }, 'the disk is full'],
  ['clock', { tickAgeSeconds: 10.1 }, /^no second .*expected 10 s at most$/],
  ['clock', { tickAgeSeconds: undefined }, 'the clockwork has not begun'],
  ['due', { claimLagSeconds: 11 }, /due/],
  ['due', { claimLagSeconds: undefined }, 'the clockwork has not begun'],
  ['loop', { loopLagSeconds: 12 }, /event loop/],
] as const)('one check that fails is enough, and is named: %s, %o', (name, change, reason) => {
  const { ready, checks } = readinessOf({ ...well, ...change }, 10);
  expect(ready).toBe(false);
  expect(checks[name]).toMatchObject({
    ok: false,
    reason: expect.stringMatching(reason) as string,
  });
  expect(Object.values(checks).filter(({ ok }) => !ok)).toHaveLength(1);
});

test('exactly the bound is still ready', () => {
  expect(readinessOf({ ...well, tickAgeSeconds: 10, loopLagSeconds: 10 }, 10).ready).toBe(true);
});
