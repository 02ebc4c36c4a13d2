import { expect, test } from 'vitest';

import { type Delivery, flawless, intervalTimes, judge } from './checker.ts';

const due = new Map([['k', [10, 20]]]);
const at = (fireTime: number, over: Partial<Delivery> = {}): Delivery => ({
  key: 'k',
  fireId: `k:1:${fireTime}`,
  fireTime,
  attempt: 1,
  atMs: fireTime * 1000,
  ...over,
});

test('the checker finds no fault where each due time came once, on its second or later', () => {
  expect(judge(due, [at(20), at(10, { atMs: 15_000 })])).toEqual(flawless);
});

test.each([
  ['a due time that never came', [at(10)], { missed: ['k@20'] }],
  ['one that nobody asked for', [at(10), at(20), at(30)], { extra: ['k@30'] }],
  ['one before its second', [at(10), at(20, { atMs: 19_999 })], { early: ['k@20'] }],
  [
    'one that came twice',
    [at(10), at(20), at(20, { attempt: 2 })],
    { duplicate: ['k@20'], misnumbered: ['k@20'] },
  ],
] as const)('the checker tells %s', (_what, deliveries, faults) => {
  expect(judge(due, deliveries)).toEqual({ ...flawless, ...faults });
});

test('the checker excuses a second coming by a crash while the first was in flight, and only then', () => {
  const twice = [at(10), at(10, { attempt: 2, atMs: 12_000 }), at(20)];
  expect(judge(due, twice, [{ atMs: 10_100 }])).toEqual(flawless);
  expect(judge(due, twice, [{ atMs: 11_900 }])).toEqual({ ...flawless, duplicate: ['k@10'] });
});

test('the checker wants the same fire id and a later attempt on the second coming', () => {
  const crash = [{ atMs: 10_100 }];
  const again = (over: Partial<Delivery>): Delivery[] => [
    at(10),
    at(10, { attempt: 2, atMs: 12_000, ...over }),
    at(20),
  ];
  const misnumbered = { ...flawless, misnumbered: ['k@10'] };
  expect(judge(due, again({ fireId: 'k:2:10' }), crash)).toEqual(misnumbered);
  expect(judge(due, again({ attempt: 1 }), crash)).toEqual(misnumbered);
  expect(judge(due, again({ attempt: 3 }), crash)).toEqual(misnumbered);
});

test('an interval plan has so many fire times, or those up to a second', () => {
  expect(intervalTimes(10, 5, { count: 3 })).toEqual([10, 15, 20]);
  expect(intervalTimes(10, 5, { until: 24 })).toEqual([10, 15, 20]);
});
