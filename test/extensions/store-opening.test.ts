import { describe, expect, test } from 'vitest';

import { planNotStored } from '../../src/core/errors.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import { Counters } from '../../src/metrics/counters.ts';
import type { OpenStore } from '../../src/extensions/extension.ts';
import { guardedOpen } from '../../src/extensions/store-opening.ts';
import type { Store } from '../../src/stores/store.ts';
import { room } from '../contract/store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { aDraft, T0 } from '../support/plans.ts';
import { RecordedLog } from '../support/recorded-log.ts';

/** The store `x` of the extension `ext`, opened so. */
function opening(open: () => unknown) {
  const clock = new FakeClock(T0);
  const log = new RecordedLog();
  const workers: string[] = [];
  const guests = {
    work: <T>(extension: string, work: () => T): T => {
      workers.push(extension);
      return work();
    },
  };
  const guarded = guardedOpen('ext', 'x', open as OpenStore, {
    ...{ clock, log, guests, timeoutSeconds: 10 },
  });
  const opened = guarded({
    ...{ clock, log, counters: new Counters(), policy: defaultPolicy, failuresKept: 10 },
    ...{ statusKeepSeconds: 0, random: () => 0, onFatal: () => undefined },
  });
  return { opened, clock, log, workers };
}

describe('a store of an extension', () => {
  test('is asked under its name, and believed', async () => {
    const sound = opening(() => new MemoryStore(new FakeClock(T0)));
    const store = await sound.opened;
    expect(await store.put(aDraft({ key: 'a' }), T0)).toMatchObject({ key: 'a' });
    const { claims } = await store.claim(T0, room(T0));
    expect(claims).toMatchObject([{ firing: { key: 'a', fireTime: T0 } }]);
    await store.settle(claims[0]!.firing, { kind: 'failed', reason: 'no' });
    expect(await store.failures('', 10)).toMatchObject([{ key: 'a', reason: 'no' }]);
    expect([store.now(), store.planCount()]).toEqual([T0, await store.keys('', 9).then(lengthOf)]);
    expect(sound.workers).toEqual(Array.from({ length: 8 }, () => 'ext'));
  });

  test('that takes long to open is told of, again and again, by name, until it is', async () => {
    let open: (store: Store) => void = () => undefined;
    const { opened, clock, log } = opening(() => new Promise<Store>((done) => (open = done)));
    for (let second = 0; second < 25; second += 1) await clock.advance(1);
    open(new MemoryStore(clock));
    await opened;
    await clock.advance(30);
    const fields = { extension: 'ext', driver: 'x' };
    expect(log.lines).toEqual([
      { level: 'warn', event: 'extension_still_opens', fields: { ...fields, seconds: 10 } },
      { level: 'warn', event: 'extension_still_opens', fields: { ...fields, seconds: 20 } },
    ]);
  });

  test.each([
    ['throws', throwing(null), 'it threw null'],
    ['rejects', () => Promise.reject(new RangeError('a\nb')), 'RangeError: a b'],
    ['opens nothing', () => undefined, 'it has no now'],
    ['tells of no recovery', () => storeWith({ recovery: {} }), 'it has no recovery'],
  ])('that %s is not opened, told by name', async (_, open, reason) => {
    await expect(opening(open).opened).rejects.toThrow(
      `the store x of the extension ext could not be opened: ${reason}`,
    );
  });

  test.each([
    ['throws', throwing(Object.create(null)), 'it threw what cannot be shown'],
    ['rejects', () => Promise.reject(new TypeError('oh')), 'TypeError: oh'],
    ['answers nothing', () => undefined, 'TypeError: Cannot read properties of undefined'],
    ['answers no list', () => ({ claims: 7 }), 'its answer has no list of claims'],
    ['answers too many', () => ({ claims: [1, 2, 3] }), 'it answered 3 claims, asked for 2'],
    ['answers nulls', () => ({ claims: [null] }), 'number 0 of its claims is none'],
    [
      'answers claims of another plan',
      () => ({ claims: [{ firing: aFiring, plan: { key: 'b', action: 'x', params: new Map() } }] }),
      'number 0 of its claims is none',
    ],
    [
      'answers plans without params',
      () => ({ claims: [{ firing: aFiring, plan: { key: 'a', action: 'x', params: {} } }] }),
      'number 0 of its claims is none',
    ],
  ])('that %s when it claims has refused to, told by name', async (_, claim, reason) => {
    const asked = (store: Store) => store.claim(T0, room(T0, { firings: 2 }));
    const refusal = `the store x of the extension ext broke in claim: ${reason}`;
    await expect(opening(() => storeWith({ claim })).opened.then(asked)).rejects.toThrow(refusal);
  });

  test('that takes up what was parked is believed no more', async () => {
    const store = await opening(() => storeWith({ claimParked: () => [1, 2] })).opened;
    await expect(store.claimParked('o', 1)).rejects.toThrow('broke in claimParked: it answered 2');
    await expect(store.claimParked('o', 2)).rejects.toThrow('number 0 of its claims is none');
  });

  test('may tell why it takes no changes, and is in trouble when it breaks in that', async () => {
    const told = await opening(() => storeWith({ trouble: () => 'no paper left' })).opened;
    expect(told.trouble?.()).toBe('no paper left');
    const mute = await opening(() => storeWith({})).opened;
    expect(mute.trouble?.()).toBeUndefined();
    const broken = await opening(() => storeWith({ trouble: throwing(new Error('oops')) })).opened;
    expect(broken.trouble?.()).toContain('broke in trouble: oops');
  });

  test('refuses changes in its own words', async () => {
    const refusal = planNotStored('no paper left');
    const store = await opening(() => storeWith({ put: () => Promise.reject(refusal) })).opened;
    await expect(store.put(aDraft(), T0)).rejects.toBe(refusal);
  });
});

const aFiring = { key: 'a', generation: 1, fireTime: T0, attempt: 1, failures: 0, crashes: 0 };

const lengthOf = (list: readonly unknown[]): number => list.length;

const throwing = (value: unknown) => (): never => {
  throw value as Error;
};

/** A store that is sound but for these members. */
const storeWith = (members: Partial<Record<keyof Store, unknown>>): Store => {
  const sound: Store = new MemoryStore(new FakeClock(T0));
  return Object.assign(sound, members);
};
