import fc from 'fast-check';
import { expect, test } from 'vitest';

import { LateBacklog } from '../../../src/stores/level/late-backlog.ts';

const key = (n: number): Buffer => Buffer.from([n]);
const spansOf = (backlog: LateBacklog): number[][] =>
  backlog.spans.map(({ from, to }) => [from.readUInt8(), to.readUInt8()]);
const byte = fc.integer({ min: 0, max: 200 });
const change = fc.oneof(
  fc.record({ add: fc.tuple(byte, byte) }),
  fc.record({ below: byte }),
  fc.record({ from: byte }),
);

test('spans that touch or overlap become one, others stay apart, in order', () => {
  const backlog = new LateBacklog();
  for (const [from, to] of [
    [20, 30],
    [50, 60],
    [30, 35],
    [1, 3],
    [33, 40],
    [70, 70],
  ] as const) {
    backlog.add({ from: key(from), to: key(to) });
  }
  expect(spansOf(backlog)).toEqual([
    [1, 3],
    [20, 40],
    [50, 60],
  ]);
});

test('it covers exactly what was added and not cut, in disjoint spans in order', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const backlog = new LateBacklog();
      const covered = new Set<number>();
      for (const change of changes) {
        if ('add' in change) {
          const [from, to] = change.add;
          backlog.add({ from: key(from), to: key(to) });
          for (let n = from; n < to; n++) covered.add(n);
        } else if ('below' in change) {
          backlog.cutBelow(key(change.below));
          for (const n of covered) if (n < change.below) covered.delete(n);
        } else {
          backlog.cutFrom(key(change.from));
          for (const n of covered) if (n >= change.from) covered.delete(n);
        }
      }
      const spans = spansOf(backlog);
      const held = spans.flatMap(([from = 0, to = 0]) =>
        Array.from({ length: to - from }, (_, n) => from + n),
      );
      expect(held).toEqual([...covered].sort((a, b) => a - b));
      expect(held.length === 0).toBe(!backlog.hasSpanBelow(key(255)));
    }),
  );
});

test('however many spans are added, it keeps few, and covers them all', () => {
  const backlog = new LateBacklog();
  for (let n = 200; n > 0; n -= 2) backlog.add({ from: key(n), to: key(n + 1) });
  const spans = spansOf(backlog);
  expect(spans.length).toBeLessThanOrEqual(64);
  for (let n = 2; n <= 200; n += 2) {
    expect(spans.some(([from = 0, to = 0]) => from <= n && n < to)).toBe(true);
  }
});
