import { randomBytes } from 'node:crypto';

import { expect, test } from 'vitest';

import { planKeys } from '../../src/core/plan-key.ts';

test('made keys are unique and sorted by time, though the clock stands or goes back', () => {
  let nowMs = 1_700_000_000_000;
  const newKey = planKeys({ nowMs: () => nowMs }, randomBytes);
  const keys: string[] = [];
  for (const [step, count] of [
    [0, 70_000],
    [1, 100],
    [-5_000, 100],
    [10_000, 100],
  ] as const) {
    nowMs += step;
    for (let made = 0; made < count; made++) keys.push(newKey());
  }
  expect(keys.every((key) => /^[0-9a-f]{32}$/.test(key))).toBe(true);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.every((key, index) => index === 0 || (keys[index - 1] ?? '') < key)).toBe(true);
});

test('two servers never make the same key', () => {
  const clock = { nowMs: () => 1_700_000_000_000 };
  expect(planKeys(clock, randomBytes)()).not.toBe(planKeys(clock, randomBytes)());
});
