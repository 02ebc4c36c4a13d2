import fc from 'fast-check';
import { expect, test } from 'vitest';

import { unixSeconds } from '../../src/core/time.ts';
import { type Timed, TimerWheel } from '../../src/core/timer-wheel.ts';

const item = (due: number, bytes = 1): Timed => ({ due: unixSeconds(due), bytes });
const until = (wheel: TimerWheel<Timed>, second: number): Timed[] => [
  ...wheel.due(unixSeconds(second)),
];

test('what is due comes earliest second first, in a second as it was added', () => {
  const wheel = new TimerWheel<Timed>();
  const [late, first, second, past] = [item(9), item(5), item(5), item(-3)];
  for (const one of [late, first, second, past]) wheel.add(one);
  expect(until(wheel, 9)).toEqual([past, first, second, late]);
  expect(until(wheel, 8)).toEqual([past, first, second]);
  expect(until(wheel, -4)).toEqual([]);
  expect([wheel.earliest, wheel.farthest]).toEqual([-3, 9]);
});

test('items are told apart by identity: equal ones are two, the same one is one', () => {
  const wheel = new TimerWheel<Timed>();
  const one = item(5);
  wheel.add(one);
  wheel.add(one);
  wheel.add(item(5));
  expect(wheel.size).toBe(2);
  expect(wheel.remove(item(5))).toBe(false);
  expect([wheel.remove(one), wheel.remove(one), wheel.size]).toEqual([true, false, 1]);
});

test('whatever is added and removed, it holds what a plain list holds', () => {
  const second = fc.integer({ min: -5, max: 20 });
  const bytes = fc.nat({ max: 9 });
  const change = fc.oneof(
    fc.record({ add: second, bytes }),
    fc.record({ remove: fc.nat() }),
    fc.record({ clear: fc.constant(true) }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), second, (changes, second) => {
      const wheel = new TimerWheel<Timed>();
      let list: Timed[] = [];
      for (const change of changes) {
        if ('add' in change) {
          const added = item(change.add, change.bytes);
          wheel.add(added);
          list.push(added);
        } else if ('remove' in change) {
          const removed = list[change.remove % list.length];
          if (removed !== undefined) wheel.remove(removed);
          list = list.filter((one) => one !== removed);
        } else {
          wheel.clear();
          list = [];
        }
      }
      const inOrder = list.toSorted((a, b) => a.due - b.due);
      expect(until(wheel, second)).toEqual(inOrder.filter(({ due }) => due <= second));
      expect([...wheel.slot(unixSeconds(second))]).toEqual(
        list.filter(({ due }) => due === second),
      );
      expect(wheel.size).toBe(list.length);
      expect(wheel.bytes).toBe(list.reduce((sum, one) => sum + one.bytes, 0));
      expect([wheel.earliest, wheel.farthest]).toEqual([inOrder[0]?.due, inOrder.at(-1)?.due]);
    }),
  );
});
