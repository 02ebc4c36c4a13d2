import fc from 'fast-check';
import { expect, test } from 'vitest';

import { retryDefaults, retryDelay } from '../../src/scheduler/backoff.ts';

test("without jitter, the delays are forsun's: 6, 9, 12 seconds", () => {
  expect([0, 1, 2].map((failures) => retryDelay(retryDefaults, failures, () => 0))).toEqual([
    6, 9, 12,
  ]);
});

test('jitter never makes a retry earlier, and adds a tenth at most', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
      const least = retryDelay(retryDefaults, failures, () => 0);
      const delay = retryDelay(retryDefaults, failures, () => random);
      expect(delay).toBeGreaterThanOrEqual(least);
      expect(delay).toBeLessThanOrEqual(least * 1.1);
    }),
  );
});

test('a target that asks for a later retry gets it', () => {
  expect(retryDelay(retryDefaults, 0, () => 0, 120)).toBe(120);
  expect(retryDelay(retryDefaults, 0, () => 0, 1)).toBe(6);
});
