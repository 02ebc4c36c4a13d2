import { expect, test } from 'vitest';

import { systemClock } from '../../src/runtime/system-clock.ts';

const never = new AbortController().signal;

test('a tick never comes before its second begins', async () => {
  for (let n = 0; n < 3; n++) {
    const second = systemClock.now();
    await systemClock.sleepWhile(second, never);
    expect(Date.now()).toBeGreaterThanOrEqual((second + 1) * 1000);
  }
});

test('a second that is over needs no sleep', async () => {
  await systemClock.sleepWhile((systemClock.now() - 1) as never, never);
});

test('an abort ends the sleep at once, also one that came before', async () => {
  const controller = new AbortController();
  const asleep = systemClock.sleepWhile(systemClock.now(), controller.signal);
  controller.abort();
  await Promise.race([
    expect(asleep).rejects.toThrow(),
    systemClock.sleepWhile(systemClock.now(), never),
  ]);
  await expect(systemClock.sleepWhile(systemClock.now(), controller.signal)).rejects.toThrow();
});

test('a delay longer than timers know does not call back at once, and can be cancelled', async () => {
  let called = 0;
  const cancel = systemClock.after(2 ** 31 + 5, () => called++);
  await new Promise<void>((resolve) => void systemClock.after(5, resolve));
  cancel();
  cancel();
  expect(called).toBe(0);
});
