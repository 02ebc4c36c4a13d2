import { describe, expect, test } from 'vitest';

import type { AgendaPlace, Plan } from '../../src/core/plan.ts';
import { addSeconds, type UnixSeconds } from '../../src/core/time.ts';
import type { Page } from '../../src/scheduler/page.ts';
import { aDirectory } from '../support/database.ts';
import { LevelRig } from '../support/level-rig.ts';
import { T0 } from '../support/plans.ts';
import { once, Rig } from '../support/rig.ts';

const count = 200;
const keyOf = (n: number): string => `k${String(n).padStart(3, '0')}`;
const allKeys = Array.from({ length: count }, (_, n) => keyOf(n));
const at = (seconds: number): UnixSeconds => addSeconds(T0, seconds);

async function filled(settings = {}): Promise<Rig> {
  const rig = new Rig(settings);
  for (const [n, key] of allKeys.entries()) await rig.scheduler.create(once(1_000 - (n >> 1), key));
  return rig;
}

/** Every page, to the last one. */
async function pagesOf<T, Cursor>(
  read: (after: Cursor | undefined) => Promise<Page<T, Cursor>>,
): Promise<(readonly T[])[]> {
  const pages: (readonly T[])[] = [];
  for (let after: Cursor | undefined; ;) {
    const { items, next } = await read(after);
    pages.push(items);
    if (next === undefined) return pages;
    after = next;
  }
}

const keys = (plans: readonly Plan[]): string[] => plans.map(({ key }) => key);

describe.each([1, 63, 64, 65, 100, 199, 200, 201, 5_000])('pages of %i', (limit) => {
  const sizes = Array.from({ length: Math.ceil(count / limit) }, (_, n) =>
    Math.min(limit, count - n * limit),
  );

  test('are full but for the last one, and together are the list', async () => {
    const rig = await filled();
    const ofKeys = await pagesOf<string, string>((after) =>
      rig.scheduler.keysAfter('k', after, limit),
    );
    expect(ofKeys.map(({ length }) => length)).toEqual(sizes);
    expect(ofKeys.flat()).toEqual(allKeys);
    const ofPlans = await pagesOf<Plan, string>((after) =>
      rig.scheduler.plansAfter('k', after, limit),
    );
    expect(ofPlans.map(({ length }) => length)).toEqual(sizes);
    expect(keys(ofPlans.flat())).toEqual(allKeys);
    const ofAgenda = await pagesOf<Plan, AgendaPlace>((after) =>
      rig.scheduler.agenda(at(0), at(1_001), limit, after),
    );
    expect(ofAgenda.map(({ length }) => length)).toEqual(sizes);
    const byTime = allKeys.toSorted((a, b) => {
      const due = (key: string): number => 1_000 - (allKeys.indexOf(key) >> 1);
      return due(a) - due(b) || (a < b ? -1 : 1);
    });
    expect(keys(ofAgenda.flat())).toEqual(byTime);
    await rig.stop();
  });
});

test('a page has no more than one reply may list, and goes on', async () => {
  const rig = await filled({ maxKeysListed: 3, maxPlansListed: 2 });
  const { scheduler } = rig;
  expect(await scheduler.keysAfter('', undefined, 999)).toEqual({
    items: allKeys.slice(0, 3),
    next: keyOf(2),
  });
  expect(await scheduler.plansAfter('', keyOf(2), 999)).toMatchObject({ next: keyOf(4) });
  expect(await scheduler.agenda(at(0), at(1_001), 999)).toMatchObject({
    next: { fireTime: at(901), key: keyOf(199) },
  });
  await rig.stop();
});

test('a limit that is no number of items is refused', async () => {
  const rig = new Rig();
  const { scheduler } = rig;
  for (const limit of [0, -1, 1.5, NaN]) {
    const refusal = `limit is ${limit}, expected a whole number from 1 on`;
    await expect(scheduler.keysAfter('', undefined, limit)).rejects.toThrow(refusal);
    await expect(scheduler.plansAfter('', undefined, limit)).rejects.toThrow(refusal);
    await expect(scheduler.agenda(at(0), at(9), limit)).rejects.toThrow(refusal);
  }
  await rig.stop();
});

test('law 8, bounded: a page of large plans ends early, and the next one goes on', async () => {
  const rig = await LevelRig.open(await aDirectory());
  const large = 'x'.repeat(200_000);
  for (const key of allKeys.slice(0, 100)) {
    await rig.scheduler.create(once(1_000, key, { value: large }));
  }
  for (const read of [
    (after?: string) => rig.scheduler.plansAfter('', after, 100),
    async (after?: string) => {
      const place = after === undefined ? undefined : { fireTime: at(1_000), key: after };
      const { items, next } = await rig.scheduler.agenda(at(0), at(2_000), 100, place);
      return next === undefined ? { items } : { items, next: next.key };
    },
  ]) {
    const pages = await pagesOf(read);
    expect(pages.map(({ length }) => length)).toEqual([64, 36]);
    expect(keys(pages.flat())).toEqual(allKeys.slice(0, 100));
  }
  await rig.stop();
});

test('plans that go while a page is read leave no page out', async () => {
  const rig = await filled();
  rig.store.getMany = async (asked) => {
    for (const key of asked) await rig.store.remove(key);
    return [];
  };
  expect(await rig.scheduler.plansAfter('', undefined, 100)).toEqual({ items: [] });
  expect(rig.store.planCount()).toBe(0);
  await rig.stop();
});
