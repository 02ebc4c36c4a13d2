import { expect, test } from 'vitest';

import { Measures } from '../../src/metrics/measures.ts';

test('an action keeps its measures', () => {
  const measures = new Measures();
  measures.ofAction('http').done += 1;
  measures.ofAction('http').done += 1;
  expect(measures.actions().get('http')?.done).toBe(2);
});

test('however many actions there are, no more than 65 are told apart', () => {
  const measures = new Measures();
  for (let n = 0; n < 1_000; n++) measures.ofAction(`action-${n}`).failed += 1;
  expect(measures.actions().size).toBe(65);
  expect(measures.actions().get('other')?.failed).toBe(1_000 - 64);
});
