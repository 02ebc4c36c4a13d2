import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Buckets } from '../../src/metrics/buckets.ts';

const someBounds = fc
  .uniqueArray(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 20 })
  .map((bounds) => bounds.toSorted((a, b) => a - b));
const someValues = fc.array(fc.double({ min: 0, max: 200, noNaN: true }));

test('each bucket counts what is at most its bound, and the last one everything', () => {
  fc.assert(
    fc.property(someBounds, someValues, (bounds, values) => {
      const buckets = new Buckets(bounds);
      for (const value of values) buckets.observe(value);
      const { upTo, count, sum } = buckets.observed();
      expect(upTo).toEqual(
        bounds.map((bound) => [bound, values.filter((value) => value <= bound).length]),
      );
      expect(count).toBe(values.length);
      expect(sum).toBeCloseTo(values.reduce((total, value) => total + value, 0));
    }),
  );
});
