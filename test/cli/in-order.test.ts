import { expect, test } from 'vitest';

import { inOrder } from '../../src/cli/in-order.ts';

test('work is begun for so many items ahead, and no more; what it makes comes in order', async () => {
  let [begun, most, taken] = [0, 0, 0];
  const work = async (item: number): Promise<number> => {
    begun++;
    most = Math.max(most, begun - taken);
    for (let turn = item % 7; turn > 0; turn--) await Promise.resolve();
    return item * 2;
  };
  const items = Array.from({ length: 100 }, (_, n) => n);
  const results: number[] = [];
  for await (const result of inOrder(items, 8, work)) {
    taken++;
    results.push(result);
  }
  expect(results).toEqual(items.map((item) => item * 2));
  expect(most).toBe(8);
});

test('what comes before a failure is seen, and the failure then', async () => {
  const seen: number[] = [];
  const work = async (item: number): Promise<number> => {
    if (item >= 5) throw new Error(`no ${item}`);
    return item;
  };
  const all = async (): Promise<void> => {
    for await (const item of inOrder([1, 2, 3, 4, 5, 6], 3, work)) seen.push(item);
  };
  await expect(all()).rejects.toThrow('no 5');
  expect(seen).toEqual([1, 2, 3, 4]);
});
