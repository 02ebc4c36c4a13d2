import fc from 'fast-check';
import { expect, test } from 'vitest';

import { RedisClock } from '../../../src/stores/redis/redis-clock.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const ahead = 600_000;

test('is never before the clock that it follows, and behind it by the fastest answer of late', async () => {
  const answers = fc.array(fc.record({ wait: fc.nat(4_000), took: fc.nat(800) }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(answers, async (all) => {
      const clock = new FakeClock();
      const redis = new RedisClock(clock);
      // Ten minutes ahead of this machine.
      const redisMs = (): number => clock.monotonicMs() + 1_700_000_000_000 + ahead;
      let fastest = Infinity;
      for (const { wait, took } of all) {
        await clock.advance(wait / 1000);
        const saidMs = redisMs();
        await clock.advance(took / 1000);
        redis.observe(saidMs * 1000);
        fastest = Math.min(fastest, took);
        expect(redis.nowMs()).toBeLessThanOrEqual(redisMs());
        expect(redisMs() - redis.nowMs()).toBeLessThanOrEqual(took);
      }
      expect(redisMs() - redis.nowMs()).toBeGreaterThanOrEqual(fastest);
    }),
  );
});

test('goes on between answers, and heeds no change of this machine’s wall clock', async () => {
  const clock = new FakeClock();
  const redis = new RedisClock(clock);
  redis.observe(2_000_000_000_000_000);
  await clock.advance(30);
  await clock.set(clock.now());
  expect(redis.now()).toBe(2_000_000_030);
});

test('follows a clock that was set back within twenty seconds', async () => {
  const clock = new FakeClock();
  const redis = new RedisClock(clock);
  redis.observe(2_000_000_000_000_000);
  for (let n = 1; n <= 20; n++) {
    await clock.advance(1);
    redis.observe((1_999_999_000 + n) * 1_000_000);
  }
  await clock.advance(1);
  redis.observe(1_999_999_021 * 1_000_000);
  expect(redis.now()).toBe(1_999_999_021);
});

test('wakes sleepers on the second of the clock that it follows', async () => {
  const clock = new FakeClock();
  const redis = new RedisClock(clock);
  redis.observe(2_000_000_000_700_000);
  const woken: number[] = [];
  const sleeping = redis.sleepWhile(redis.now(), new AbortController().signal);
  void sleeping.then(() => woken.push(redis.nowMs()));
  await clock.advance(0.2);
  expect(woken).toEqual([]);
  await clock.advance(0.2);
  expect(woken).toHaveLength(1);
  expect(redis.now()).toBe(2_000_000_001);
});

test('a sleeper that is aborted rejects with the reason and leaves no timer', async () => {
  const clock = new FakeClock();
  const redis = new RedisClock(clock);
  redis.observe(2_000_000_000_000_000);
  const abort = new AbortController();
  const sleeping = redis.sleepWhile(redis.now(), abort.signal);
  abort.abort(new Error('enough'));
  await expect(sleeping).rejects.toThrow('enough');
  expect(clock.pendingTimers).toBe(0);
});
