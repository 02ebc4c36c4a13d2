import { expect, test } from 'vitest';

import { BoundedLog } from '../../src/scheduler/bounded-log.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordedLog } from '../support/recorded-log.ts';

function aLog() {
  const clock = new FakeClock();
  const log = new RecordedLog();
  const bounded = new BoundedLog(log, clock);
  const pass = async (seconds: number): Promise<void> => {
    await clock.advance(seconds);
    bounded.tick();
  };
  return { log, bounded, pass };
}

const leftOut = (of: string, about: string, count: number) => ({
  level: 'warn',
  event: 'log_lines_left_out',
  fields: { of, about, count },
});

test('the first ten lines about a subject are written, the others counted once their minute is over', async () => {
  const { log, bounded, pass } = aLog();
  for (let n = 0; n < 25; n += 1) bounded.warn('a', 'attempt_failed', { n });
  expect(log.lines.map(({ fields }) => fields['n'])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await pass(59);
  expect(log.lines).toHaveLength(10);
  await pass(1);
  expect(log.lines.slice(10)).toEqual([leftOut('attempt_failed', 'a', 15)]);
});

test('every event about every subject has ten lines of its own, in every minute', async () => {
  const { log, bounded, pass } = aLog();
  for (let minute = 0; minute < 2; minute += 1) {
    for (let n = 0; n < 10; n += 1) {
      bounded.warn('a', 'attempt_failed', { n });
      bounded.warn('b', 'attempt_failed', { n });
      bounded.error('a', 'firing_failed', { n });
    }
    await pass(60);
  }
  expect(log.lines).toHaveLength(60);
  expect(log.events()).not.toContain('log_lines_left_out');
});

test('however many subjects there are, the lines of a minute are bounded, and none is lost untold', async () => {
  const { log, bounded, pass } = aLog();
  for (let n = 0; n < 20; n += 1)
    for (let target = 0; target < 5_000; target += 1) bounded.error(`t${target}`, 'failed', { n });
  expect(log.lines).toHaveLength(10 * 1_001);
  bounded.error('new', 'failed', {});
  await pass(60);
  const told = log.lines.filter(({ event }) => event === 'log_lines_left_out');
  const sum = told.reduce((all, { fields }) => all + Number(fields['count']), 0);
  expect(sum + 10 * 1_001).toBe(20 * 5_000 + 1);
  expect(told).toContainEqual(leftOut('failed', 'others', 20 * 4_000 - 10 + 1));
  bounded.error('new', 'failed', {});
  expect(log.lines.at(-1)).toMatchObject({ event: 'failed' });
});

test('what was left out is told before the server stops', () => {
  const { log, bounded } = aLog();
  for (let n = 0; n < 11; n += 1) bounded.warn('a', 'attempt_failed', { n });
  bounded.flush();
  expect(log.lines.at(-1)).toEqual(leftOut('attempt_failed', 'a', 1));
});
