import { expect, test } from 'vitest';

import { Closers } from '../../src/runtime/closers.ts';

test('what opened last closes first, once', async () => {
  const closed: string[] = [];
  const closers = new Closers();
  for (const name of ['store', 'scheduler', 'door']) {
    closers.add(async () => void closed.push(name));
  }
  await closers.close();
  await closers.close();
  expect(closed).toEqual(['door', 'scheduler', 'store']);
});

test('every closer runs though some fail, and the errors come out together', async () => {
  const closed: string[] = [];
  const closers = new Closers();
  closers.add(async () => void closed.push('store'));
  closers.add(async () => {
    throw new Error('door jammed');
  });
  await expect(closers.close()).rejects.toMatchObject({ errors: [new Error('door jammed')] });
  expect(closed).toEqual(['store']);
});

test('a start that fails half-way closes what it opened and says why it failed', async () => {
  const closed: string[] = [];
  const start = Closers.opening(async (closers) => {
    closers.add(async () => void closed.push('store'));
    closers.add(async () => {
      throw new Error('and this too');
    });
    throw new Error('port in use');
  });
  await expect(start).rejects.toThrow('port in use');
  expect(closed).toEqual(['store']);
});
