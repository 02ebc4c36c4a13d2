import { expect, test } from 'vitest';

import { EndedPlans } from '../../src/scheduler/ended-plans.ts';

/** A claim that ends when told to. */
function claiming(ended: EndedPlans): () => Promise<void> {
  let finish = (): void => undefined;
  const done = ended.whileClaiming(() => new Promise<void>((resolve) => (finish = resolve)));
  return () => {
    finish();
    return done;
  };
}

test('what a claim under way may bring of an ended plan is known until that claim has ended', async () => {
  const ended = new EndedPlans();
  const endFirst = claiming(ended);
  ended.end('k', 5);
  const endSecond = claiming(ended);
  expect(ended.has({ key: 'k', generation: 4 })).toBe(true);
  expect(ended.has({ key: 'k', generation: 5 })).toBe(false);
  await endSecond();
  expect(ended.has({ key: 'k', generation: 4 })).toBe(true);
  await endFirst();
  expect(ended.has({ key: 'k', generation: 4 })).toBe(false);
});

test('claims that overlap without a pause do not make it remember all plans that ever ended', async () => {
  const ended = new EndedPlans();
  let endLast = claiming(ended);
  for (let n = 0; n < 1_000; n += 1) {
    const endNext = claiming(ended);
    ended.end(`k${n}`, n);
    await endLast();
    endLast = endNext;
  }
  expect(ended.size).toBeLessThan(5);
  await endLast();
  expect(ended.size).toBe(0);
});

test('a plan that ends twice is known for the claim that began between', async () => {
  const ended = new EndedPlans();
  const endFirst = claiming(ended);
  ended.end('k', 5);
  ended.end('other', 6);
  const endSecond = claiming(ended);
  ended.end('k', 7);
  await endFirst();
  expect(ended.size).toBe(1);
  expect(ended.has({ key: 'k', generation: 6 })).toBe(true);
  await endSecond();
});
