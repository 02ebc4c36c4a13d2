import { expect, test } from 'vitest';

import { type Ended, Lanes } from '../../src/scheduler/lanes.ts';

const limits = { runs: 4, held: 100, queuedPerOrigin: 10 };
let nowMs = 0;

/** Starts all that has room; returns what was started, with the way to end each. */
function startAll(lanes: Lanes<string>): { item: string; ended: Ended }[] {
  const started = [];
  for (let next = lanes.start(); next; next = lanes.start()) started.push(next);
  return started;
}

test('an origin runs no more than its limit at once, and the rest keep their order', () => {
  const lanes = new Lanes<string>(limits, () => nowMs);
  for (const item of ['a1', 'a2', 'a3']) lanes.enqueue('a', 1, item);
  const [first] = startAll(lanes);
  expect(first?.item).toBe('a1');
  expect(lanes.start()).toBeUndefined();
  first?.ended(true);
  expect(startAll(lanes).map(({ item }) => item)).toEqual(['a2']);
});

test('origins of which no run ended for good get at most half of all runs', () => {
  const lanes = new Lanes<string>(limits, () => nowMs);
  for (const origin of ['dead1', 'dead2', 'dead3']) lanes.enqueue(origin, 64, origin);
  const dead = startAll(lanes);
  expect(dead).toHaveLength(2);
  lanes.enqueue('new', 64, 'new');
  expect(startAll(lanes)).toEqual([]);
  dead[0]?.ended(true);
  expect(lanes.standing(dead[0]?.item ?? '')).toBe('proven');
  expect(startAll(lanes)).toHaveLength(1);
  lanes.enqueue(dead[0]?.item ?? '', 64, 'proven');
  expect(startAll(lanes).map(({ item }) => item)).toEqual(['proven']);
});

test('an ending that is none for good takes the proof away', () => {
  const lanes = new Lanes<string>(limits, () => nowMs);
  for (const isForGood of [true, false]) {
    lanes.enqueue('a', 1, 'a');
    startAll(lanes)[0]?.ended(isForGood);
    expect(lanes.standing('a')).toBe(isForGood ? 'proven' : 'failing');
  }
});

test('origins take turns', () => {
  const lanes = new Lanes<string>({ ...limits, runs: 2 }, () => nowMs);
  for (const origin of ['a', 'b']) {
    lanes.enqueue(origin, 64, origin);
    startAll(lanes)[0]?.ended(true);
  }
  for (let n = 0; n < 4; n += 1) lanes.enqueue('a', 64, 'a');
  lanes.enqueue('b', 64, 'b');
  expect(
    startAll(lanes)
      .map(({ item }) => item)
      .sort(),
  ).toEqual(['a', 'b']);
});

test('a proven origin of which nothing ends any more is stalled: it gives up its queue and its proof', () => {
  const lanes = new Lanes<string>(limits, () => nowMs);
  lanes.enqueue('a', 1, 'proof');
  startAll(lanes)[0]?.ended(true);
  for (const item of ['a1', 'a2', 'a3']) lanes.enqueue('a', 1, item);
  const [running] = startAll(lanes);
  nowMs += 1_000;
  expect(lanes.removeStalled()).toEqual([]);
  nowMs += 1;
  expect(lanes.removeStalled()).toEqual(['a2', 'a3']);
  expect([lanes.standing('a'), lanes.isStalled('a')]).toEqual(['failing', true]);
  running?.ended(true);
  expect([lanes.standing('a'), lanes.isStalled('a')]).toEqual(['proven', false]);
});
