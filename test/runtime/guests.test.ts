import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { guests, keepGuestsFromExiting } from '../../src/runtime/guests.ts';

const ended = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);

beforeAll(keepGuestsFromExiting);
afterAll(() => {
  ended.mockRestore();
});

test('what a guest sets off stays under its name', async () => {
  const seen = await guests.work('a', async () => {
    const before = guests.atWork();
    await sleep(0);
    return [
      before,
      guests.atWork(),
      guests.work('b', guests.atWork),
      guests.asOurselves(guests.atWork),
    ];
  });
  expect(seen).toEqual(['a', 'a', 'b', undefined]);
  expect(guests.atWork()).toBeUndefined();
});

test('a guest cannot end the process; we can, also on its behalf', async () => {
  const exits = guests.work('a', async () => {
    await sleep(0);
    process.exit(3);
  });
  await expect(exits).rejects.toThrow('it called process.exit(3), and may not end the server');
  expect(ended).not.toHaveBeenCalled();
  guests.work('a', () => guests.asOurselves(() => process.exit(4)));
  process.exit(5);
  expect(ended.mock.calls).toEqual([[4], [5]]);
});
