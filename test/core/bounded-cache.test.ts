import { expect, test } from 'vitest';

import { BoundedCache } from '../../src/core/bounded-cache.ts';

test('what was used lately is kept, and never more than twice the limit', () => {
  const cache = new BoundedCache<number, string>(10);
  for (let key = 0; key < 1_000; key++) {
    cache.set(key, `value ${key}`);
    expect(cache.get(0)).toBe('value 0');
  }
  const kept = Array.from({ length: 1_000 }, (_, key) => key).filter(
    (key) => cache.get(key) !== undefined,
  );
  expect(kept.length).toBeLessThanOrEqual(20);
  expect(kept).toEqual(expect.arrayContaining([0, 993, 994, 995, 996, 997, 998, 999]));
});
