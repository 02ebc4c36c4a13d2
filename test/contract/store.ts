import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Firing } from '../../src/core/firing.ts';
import { addSeconds, type Clock, unixSeconds, type UnixSeconds } from '../../src/core/time.ts';
import type { Claim, ClaimRoom, Store } from '../../src/stores/store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aDraft, T0 } from '../support/plans.ts';

/** A place where the store of one test lives; opened again it holds what the one before left. */
export interface StorePlace {
  open(clock: Clock, options: PlaceOptions): Promise<Store>;
  /** Leaves nothing behind. */
  destroy(): Promise<void>;
}

export interface PlaceOptions {
  readonly statusKeepSeconds: number;
  readonly failuresKept?: number;
}

/** Room enough for a test; what is due more than a minute before the time is late. */
export const room = (until: UnixSeconds, overrides: Partial<ClaimRoom> = {}): ClaimRoom => ({
  firings: 100,
  late: 100,
  lateBefore: addSeconds(until, -60),
  ...overrides,
});

const at = (seconds: number): UnixSeconds => addSeconds(T0, seconds);
const keysOf = (claims: readonly Claim[]): string[] => claims.map(({ firing }) => firing.key);
const failed = { kind: 'failed', reason: 'no answer' } as const;
const oneShot = { kind: 'interval', everySeconds: 30, fields: { second: 30 } } as const;

/** The rules of the store contract (src/stores/store.ts), for any store. */
export function describeStore(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(name, () => {
    let place: StorePlace;
    let clock: FakeClock;
    let store: Store;

    const reopen = async (options: PlaceOptions = { statusKeepSeconds: 0 }): Promise<void> => {
      await store.close();
      store = await place.open(clock, options);
    };
    const claimAt = async (seconds: number, overrides: Partial<ClaimRoom> = {}) => {
      const { claims } = await store.claim(at(seconds), room(at(seconds), overrides));
      return claims;
    };
    const claimOne = async (seconds: number): Promise<Firing> => {
      const claims = await claimAt(seconds);
      expect(claims).toHaveLength(1);
      return claims[0]!.firing;
    };
    const putOneShot = (key: string, due = 30) =>
      store.put(aDraft({ key, count: 1, schedule: oneShot }), at(due));

    beforeEach(async () => {
      place = await makePlace();
      clock = new FakeClock(T0);
      store = await place.open(clock, { statusKeepSeconds: 0 });
    });
    afterEach(async () => {
      await store.close();
      await place.destroy();
    });

    describe('plans', () => {
      test('what is put is found, as it was put', async () => {
        const params = new Map([
          ['cmd', 'echo "hä" 🚀\n'],
          ['__proto__', 'x'],
          ['hasOwnProperty', ''],
        ]);
        const draft = aDraft({ key: 'a/ü', params, count: 7 });
        const plan = await store.put(draft, at(5));
        expect(plan).toMatchObject({ ...draft, createdTime: T0, nextFireTime: at(5) });
        expect(plan).toMatchObject({ firedCount: 0, status: 0, unfinished: [] });
        expect(await store.get('a/ü')).toEqual(plan);
        expect([...(await store.get('a/ü'))!.params]).toEqual([...params]);
      });

      test('what is acknowledged is there after a reopen', async () => {
        const plan = await store.put(aDraft(), at(5));
        await store.put(aDraft({ key: 'gone' }), at(5));
        await store.remove('gone');
        await reopen();
        expect(await store.get('backup')).toEqual(plan);
        expect(await store.get('gone')).toBeUndefined();
        expect(store.planCount()).toBe(1);
      });

      test('every kind of schedule comes back as it was', async () => {
        const schedules = [
          { kind: 'calendar', fields: { hour: 3, week: 0 }, zone: 'Europe/Berlin' },
          { kind: 'calendar', fields: { second: 0 }, zone: 'UTC', year: 2031 },
          { kind: 'cron', expression: '0 0,30 9-17 * * mon-fri', zone: 'Asia/Shanghai' },
          { kind: 'interval', everySeconds: 0, fields: {} },
        ] as const;
        for (const schedule of schedules) {
          await store.put(aDraft({ schedule }), at(5));
          expect((await store.get('backup'))!.schedule).toEqual(schedule);
        }
      });

      test('an absent plan is undefined, to get and to remove', async () => {
        expect(await store.get('nobody')).toBeUndefined();
        expect(await store.remove('nobody')).toBeUndefined();
        expect(store.planCount()).toBe(0);
      });

      test('remove answers the plan as it was', async () => {
        const plan = await store.put(aDraft(), at(5));
        expect(await store.remove('backup')).toEqual(plan);
        expect(await store.remove('backup')).toBeUndefined();
      });

      test('getMany answers those that exist, in the order asked', async () => {
        for (const key of ['a', 'b', 'c']) await store.put(aDraft({ key }), at(5));
        const plans = await store.getMany(['c', 'nobody', 'a']);
        expect(plans.map(({ key }) => key)).toEqual(['c', 'a']);
      });

      test('plans are counted truly: new, replaced, removed, reopened', async () => {
        for (const key of ['a', 'b', 'b', 'c']) await store.put(aDraft({ key }), at(5));
        await store.remove('a');
        await store.remove('a');
        expect(store.planCount()).toBe(2);
        await reopen();
        expect(store.planCount()).toBe(2);
      });

      test('changes take effect in the order they were called', async () => {
        const answers = await Promise.all([
          store.put(aDraft({ count: 1 }), at(5)),
          store.put(aDraft({ count: 2 }), at(6)),
          store.remove('backup'),
          store.remove('backup'),
          store.put(aDraft({ count: 3 }), at(7)),
        ]);
        expect(answers[2]).toEqual(answers[1]);
        expect(answers[3]).toBeUndefined();
        expect(await store.get('backup')).toEqual(answers[4]);
        expect(store.planCount()).toBe(1);
      });
    });

    describe('put only what is absent', () => {
      const putIfAbsent = (key: string) =>
        store.put(aDraft({ key, count: 9 }), at(50), { onlyIfAbsent: true });

      test('refuses where there is a plan, which stays as it is', async () => {
        const plan = await putOneShot('a', 10);
        await expect(putIfAbsent('a')).rejects.toMatchObject({ code: 'plan_exists' });
        expect(await store.get('a')).toEqual(plan);
        expect(await claimOne(10)).toMatchObject({ generation: plan.generation });
        await expect(putIfAbsent('a')).rejects.toMatchObject({ code: 'plan_exists' });
        expect(store.planCount()).toBe(1);
      });

      test('of many at once one is taken, and the others change nothing', async () => {
        const answers = await Promise.allSettled(Array.from({ length: 9 }, () => putIfAbsent('a')));
        const [first, ...others] = answers;
        expect(first).toMatchObject({ status: 'fulfilled', value: await store.get('a') });
        expect(new Set(others.map(({ status }) => status))).toEqual(new Set(['rejected']));
        expect(store.planCount()).toBe(1);
      });

      test('sees what was called before it: a put, a remove', async () => {
        const [, refused, , taken] = await Promise.allSettled([
          putOneShot('a', 10),
          putIfAbsent('a'),
          store.remove('a'),
          putIfAbsent('a'),
        ]);
        expect([refused.status, taken.status]).toEqual(['rejected', 'fulfilled']);
        expect(await store.get('a')).toMatchObject({ count: 9 });
      });

      test('an ended plan that is kept for its status is a plan', async () => {
        await reopen({ statusKeepSeconds: 100 });
        await putOneShot('a', 10);
        await store.settle(await claimOne(10), { kind: 'done' });
        await expect(putIfAbsent('a')).rejects.toMatchObject({ code: 'plan_exists' });
        await store.remove('a');
        expect(await putIfAbsent('a')).toMatchObject({ key: 'a', count: 9 });
      });
    });

    describe('put with a past', () => {
      const past = {
        ...{ createdTime: at(-9_000), lastFireTime: at(-5) },
        ...{ firedCount: 2, status: -1 as const },
      };

      test('keeps it, and all else as it is put', async () => {
        const plan = await store.put(aDraft({ count: 3 }), at(5), { past });
        const next = { generation: plan.generation, nextFireTime: at(5), unfinished: [] };
        expect(plan).toEqual({ ...aDraft({ count: 3 }), ...past, ...next });
        await reopen();
        expect(await store.get('backup')).toEqual(plan);
      });

      test('counts on from there: one firing more is its last', async () => {
        await store.put(aDraft({ count: 3 }), at(5), { past });
        const [claim, ...others] = await claimAt(60);
        expect(others).toEqual([]);
        expect(claim!.plan).toMatchObject({ firedCount: 3, lastFireTime: claim!.firing.fireTime });
        await store.settle(claim!.firing, { kind: 'done' });
        expect(await store.get('backup')).toBeUndefined();
      });

      test('a due time that is past is due now, by the misfire policy of its plan', async () => {
        await store.put(aDraft({ key: 'once', count: 3 }), at(-600), { past });
        await store.put(aDraft({ key: 'newest' }), at(-601), { past });
        const due = (await claimAt(0)).map(({ firing: { key, fireTime } }) => [key, fireTime]);
        expect(new Map(due as [string, number][])).toEqual(
          new Map([
            ['once', at(-600)],
            ['newest', at(-1)],
          ]),
        );
      });

      test('replaces what is there, or refuses to, as any put', async () => {
        const { generation } = await putOneShot('backup', 10);
        const kept = store.put(aDraft(), at(5), { past, onlyIfAbsent: true });
        await expect(kept).rejects.toMatchObject({ code: 'plan_exists' });
        const plan = await store.put(aDraft(), at(5), { past });
        expect(plan.generation).toBeGreaterThan(generation);
        expect(keysOf(await claimAt(10))).toEqual(['backup']);
        expect(store.planCount()).toBe(1);
      });
    });

    describe('generations', () => {
      test('no two puts share one, not after a remove nor a reopen', async () => {
        const seen = new Set<number>();
        const put = async (key: string): Promise<void> => {
          seen.add((await store.put(aDraft({ key }), at(5))).generation);
        };
        await put('a');
        await put('b');
        await put('a');
        await store.remove('a');
        await reopen();
        await put('a');
        await store.remove('a');
        await store.remove('b');
        await reopen();
        await put('a');
        expect(seen.size).toBe(5);
      });

      test('a replaced plan fires at its new due time only', async () => {
        await putOneShot('a', 10);
        await putOneShot('a', 20);
        expect(await claimAt(10)).toEqual([]);
        expect(keysOf(await claimAt(20))).toEqual(['a']);
      });

      test('a plan put again at the same due time fires once, as the new one', async () => {
        await putOneShot('a', 10);
        const { generation } = await putOneShot('a', 10);
        expect((await claimOne(10)).generation).toBe(generation);
        expect(await claimAt(11)).toEqual([]);
      });

      test('what settles for an older generation changes nothing of the newer', async () => {
        await putOneShot('a', 10);
        const firing = await claimOne(10);
        const plan = await putOneShot('a', 50);
        for (const kind of ['done', 'released'] as const) await store.settle(firing, { kind });
        await store.settle(firing, failed);
        await store.settle(firing, { kind: 'retry', until: at(12) });
        await store.settle(firing, { kind: 'parked', origin: 'o' });
        expect(await store.get('a')).toEqual(plan);
        expect(await store.claimParked('o', 10)).toEqual([]);
        expect(await claimAt(49)).toEqual([]);
      });

      test('what settles for a removed plan does not bring it back', async () => {
        await putOneShot('a', 10);
        const firing = await claimOne(10);
        await store.remove('a');
        await store.settle(firing, { kind: 'retry', until: at(12) });
        expect(await store.get('a')).toBeUndefined();
        expect(await claimAt(13)).toEqual([]);
        expect(store.planCount()).toBe(0);
      });
    });

    describe('keys', () => {
      test('start with the prefix, literally, in byte order, at most as many as asked', async () => {
        const keys = ['b', 'a*b', 'a', 'aé', 'a🚀', 'a\uffee', 'ab', 'A'];
        for (const key of keys) await store.put(aDraft({ key }), at(5));
        expect(await store.keys('a', 10)).toEqual(['a', 'a*b', 'ab', 'aé', 'a\uffee', 'a🚀']);
        expect(await store.keys('a*', 10)).toEqual(['a*b']);
        expect(await store.keys('', 3)).toEqual(['A', 'a', 'a*b']);
        expect(await store.keys('c', 10)).toEqual([]);
      });

      test('go on behind any text, in pages that together are the list', async () => {
        for (const key of ['b', 'a', 'aé', 'a🚀', 'ab', 'A'])
          await store.put(aDraft({ key }), at(5));
        expect(await store.keys('a', 2)).toEqual(['a', 'ab']);
        expect(await store.keys('a', 2, 'ab')).toEqual(['aé', 'a🚀']);
        expect(await store.keys('a', 2, 'a🚀')).toEqual([]);
        expect(await store.keys('', 9, 'aa')).toEqual(['ab', 'aé', 'a🚀', 'b']);
        expect(await store.keys('a', 9, 'A')).toEqual(['a', 'ab', 'aé', 'a🚀']);
        expect(await store.keys('a', 9, 'b')).toEqual([]);
      });
    });

    describe('agenda', () => {
      test('answers plans whose next fire time is that second, in key order', async () => {
        for (const key of ['c', 'a', 'b']) await store.put(aDraft({ key }), at(5));
        await store.put(aDraft({ key: 'd' }), at(6));
        const keys = async (seconds: number, limit = 10): Promise<string[]> =>
          (await store.agenda(at(seconds), at(seconds + 1), limit)).map(({ key }) => key);
        expect(await keys(5)).toEqual(['a', 'b', 'c']);
        expect(await keys(5, 2)).toEqual(['a', 'b']);
        expect(await keys(4)).toEqual([]);
        await claimAt(5);
        expect(await keys(5)).toEqual([]);
        expect(await keys(10)).toEqual(['a', 'b', 'c']);
      });

      test('tells what is due in a span by time, then key, its end left out', async () => {
        for (const [key, due] of [
          ['z', 5],
          ['b', 7],
          ['a', 7],
          ['y', 6],
          ['x', 9],
        ] as const) {
          await putOneShot(key, due);
        }
        await store.put(aDraft({ key: 'past' }), unixSeconds(-5));
        const keys = async (from: UnixSeconds, to: UnixSeconds): Promise<string[]> =>
          (await store.agenda(from, to, 10)).map(({ key }) => key);
        expect(await keys(at(5), at(9))).toEqual(['z', 'y', 'a', 'b']);
        expect(await keys(at(6), at(7))).toEqual(['y']);
        expect(await keys(unixSeconds(-5), at(6))).toEqual(['past', 'z']);
        expect(await keys(at(8), at(9))).toEqual([]);
        expect(await keys(at(9), at(5))).toEqual([]);
      });

      test('goes on behind a place, though nothing stands there any more', async () => {
        for (const [n, key] of ['c', 'a', 'é', 'b'].entries()) await putOneShot(key, 5 + (n >> 1));
        const behind = async (fireTime: UnixSeconds, key: string, limit = 10): Promise<string[]> =>
          (await store.agenda(at(0), at(9), limit, { fireTime, key })).map((plan) => plan.key);
        await store.remove('a');
        expect(await behind(at(5), 'a')).toEqual(['c', 'b', 'é']);
        expect(await behind(at(5), 'c', 1)).toEqual(['b']);
        expect(await behind(at(6), 'b')).toEqual(['é']);
        expect(await behind(at(6), 'é')).toEqual([]);
        expect(await behind(unixSeconds(-9), 'z', 1)).toEqual(['c']);
        expect(await behind(at(99), 'a')).toEqual([]);
      });
    });

    describe('claim', () => {
      test('takes nothing before its second', async () => {
        await putOneShot('a', 10);
        expect(await claimAt(9)).toEqual([]);
        expect(keysOf(await claimAt(10))).toEqual(['a']);
      });

      test('takes the earliest first, as many as there is room, and says if more is due', async () => {
        for (const due of [13, 11, 12, 14]) await putOneShot(`due${due}`, due);
        const first = await store.claim(at(13), room(at(13), { firings: 2 }));
        expect([keysOf(first.claims), first.more]).toEqual([['due11', 'due12'], true]);
        const second = await store.claim(at(13), room(at(13), { firings: 2 }));
        expect([keysOf(second.claims), second.more]).toEqual([['due13'], false]);
      });

      test('hands out the firing with its plan, which counts it', async () => {
        const plan = await putOneShot('a', 10);
        const [claim] = await claimAt(12);
        const { generation } = plan;
        const firing = { key: 'a', generation, fireTime: at(10), attempt: 1 };
        expect(claim!.firing).toEqual({ ...firing, failures: 0, crashes: 0 });
        expect(claim!.plan).toEqual(await store.get('a'));
        expect(claim!.plan).toMatchObject({ firedCount: 1, lastFireTime: at(10) });
        expect(claim!.plan.nextFireTime).toBeUndefined();
        expect(claim!.plan.unfinished).toMatchObject([{ state: { kind: 'in_flight' } }]);
      });

      test('what is claimed is not claimed again, though the clock be set back', async () => {
        await putOneShot('a', 10);
        await claimOne(70);
        for (const seconds of [70, 10, -3600, 3600]) expect(await claimAt(seconds)).toEqual([]);
      });

      test('a clock set back: what is due waits, new plans fire on their second', async () => {
        await putOneShot('later', 100);
        await putOneShot('far', 4000);
        expect(keysOf(await claimAt(3600))).toEqual(['later']);
        await putOneShot('soon', 20);
        expect(await claimAt(19)).toEqual([]);
        expect(keysOf(await claimAt(20))).toEqual(['soon']);
        expect(keysOf(await claimAt(4000))).toEqual(['far']);
      });

      test('a repeating plan comes again, counted from its due time, while it runs', async () => {
        await store.put(aDraft(), at(5));
        const first = await claimOne(7);
        const second = await claimOne(10);
        expect([first.fireTime, second.fireTime]).toEqual([at(5), at(10)]);
        const plan = (await store.get('backup'))!;
        expect(plan).toMatchObject({ nextFireTime: at(15), firedCount: 2, lastFireTime: at(10) });
        expect(plan.unfinished).toHaveLength(2);
      });

      test('a plan ends with its count', async () => {
        await store.put(aDraft({ count: 2 }), at(5));
        await store.settle(await claimOne(5), { kind: 'done' });
        expect(await store.get('backup')).toMatchObject({ status: 1, nextFireTime: at(10) });
        await store.settle(await claimOne(10), { kind: 'done' });
        expect(await store.get('backup')).toBeUndefined();
        expect(store.planCount()).toBe(0);
      });

      test('due times beyond the limit of unfinished firings are merged and counted', async () => {
        await store.put(aDraft(), at(5));
        for (let due = 5; due <= 50; due += 5) await claimOne(due);
        const result = await store.claim(at(55), room(at(55)));
        expect([result.claims, result.merged]).toEqual([[], 1]);
        expect(await store.get('backup')).toMatchObject({ firedCount: 10, nextFireTime: at(60) });
      });

      test('missed due times fire once, for the newest, and are counted', async () => {
        await store.put(aDraft(), at(5));
        const result = await store.claim(at(1004), room(at(1004)));
        expect(result).toMatchObject({ merged: 199, skipped: 0, misfires: 1 });
        expect(result.claims[0]!.firing.fireTime).toBe(at(1000));
        expect(await store.get('backup')).toMatchObject({ nextFireTime: at(1005), firedCount: 1 });
      });

      test('a put during a claim under way is neither lost nor fired twice', async () => {
        await putOneShot('a', 10);
        const [{ claims }, plan] = await Promise.all([
          store.claim(at(10), room(at(10))),
          putOneShot('a', 10),
        ]);
        expect(claims).toHaveLength(1);
        expect((await claimOne(10)).generation).toBe(plan.generation);
      });

      test('a claim sees what was put just before it was called', async () => {
        await claimAt(0);
        const [, { claims }] = await Promise.all([
          putOneShot('a', 10),
          store.claim(at(10), room(at(10))),
        ]);
        expect(keysOf(claims)).toEqual(['a']);
      });
    });

    describe('late due times', () => {
      const late = 100_000;
      const putLate = async (count: number): Promise<void> => {
        for (let n = 0; n < count; n++) await putOneShot(`late${n}`, n);
      };

      test('take no more than their room, three quarters oldest, a quarter newest', async () => {
        await putLate(20);
        const first = await store.claim(at(late), room(at(late), { late: 8 }));
        const expected = [0, 1, 2, 3, 4, 5, 18, 19].map((n) => `late${n}`);
        expect([keysOf(first.claims), first.more]).toEqual([expected, true]);
        const second = await claimAt(late, { late: 8 });
        expect(keysOf(second)).toEqual([6, 7, 8, 9, 10, 11, 16, 17].map((n) => `late${n}`));
        const third = await store.claim(at(late), room(at(late), { late: 8 }));
        const rest = [12, 13, 14, 15].map((n) => `late${n}`);
        expect([keysOf(third.claims), third.more]).toEqual([rest, false]);
      });

      test('keep no room from what is on time, nor are kept from theirs', async () => {
        await putLate(10);
        for (let n = 0; n < 10; n++) await putOneShot(`now${n}`, late);
        const claims = await claimAt(late, { firings: 10, late: 10 });
        expect(keysOf(claims).filter((key) => key.startsWith('late'))).toHaveLength(5);
        expect(keysOf(claims).filter((key) => key.startsWith('now'))).toHaveLength(5);
      });

      test('without room for late ones, those on time fire, and more is told', async () => {
        await putLate(2);
        await putOneShot('now', late);
        const result = await store.claim(at(late), room(at(late), { late: 0 }));
        expect([keysOf(result.claims), result.more]).toEqual([['now'], true]);
      });

      test('become late while they wait, and are claimed once', async () => {
        for (let n = 0; n < 10; n++) await putOneShot(`a${n}`, n);
        const claims = [...(await claimAt(9, { firings: 4 }))];
        for (const now of [80, 200, 200, 300]) {
          claims.push(...(await claimAt(now, { late: 2 })));
        }
        expect(keysOf(claims).sort()).toEqual(Array.from({ length: 10 }, (_, n) => `a${n}`));
      });

      test('one put after the backlog was looked through is claimed all the same', async () => {
        await putLate(3);
        expect(await claimAt(late)).toHaveLength(3);
        await putOneShot('again', 1);
        expect(keysOf(await claimAt(late))).toEqual(['again']);
      });

      test('a removed one never fires', async () => {
        await putLate(3);
        await store.remove('late1');
        expect(keysOf(await claimAt(late))).toEqual(['late0', 'late2']);
      });
    });

    describe('settle', () => {
      test.each([
        ['done', 1, { kind: 'done' }],
        ['failed', -1, failed],
      ] as const)('%s ends the firing; the plan tells how it went', async (_, status, how) => {
        await store.put(aDraft(), at(5));
        await store.settle(await claimOne(5), how);
        expect(await store.get('backup')).toMatchObject({ status, unfinished: [] });
        expect(await claimAt(9)).toEqual([]);
      });

      test('a plan with nothing to come and nothing unfinished is gone', async () => {
        await putOneShot('a', 10);
        await store.settle(await claimOne(10), failed);
        expect(await store.get('a')).toBeUndefined();
        expect([store.planCount(), await store.keys('', 9)]).toEqual([0, []]);
      });

      test('an ended plan stays for its status as long as it is told to', async () => {
        await reopen({ statusKeepSeconds: 100 });
        await putOneShot('a', 10);
        await clock.set(at(10));
        await store.settle(await claimOne(10), { kind: 'done' });
        expect(await store.get('a')).toMatchObject({ status: 1, firedCount: 1 });
        await reopen({ statusKeepSeconds: 100 });
        await claimAt(109);
        expect(await store.get('a')).toMatchObject({ status: 1, key: 'a' });
        expect(await claimAt(110)).toEqual([]);
        expect(await store.get('a')).toBeUndefined();
        expect(store.planCount()).toBe(0);
      });

      test('retry: due again then, the same firing as its next attempt', async () => {
        await putOneShot('a', 10);
        const firing = await claimOne(10);
        await store.settle(firing, { kind: 'retry', until: at(16) });
        expect(await store.get('a')).toMatchObject({ status: -1, firedCount: 1 });
        expect(await claimAt(15)).toEqual([]);
        expect(await claimOne(16)).toEqual({ ...firing, attempt: 2, failures: 1 });
      });

      test('a retry is durable, and is no misfire however late', async () => {
        await store.put(aDraft(), at(5));
        const firing = await claimOne(5);
        await store.settle(firing, { kind: 'retry', until: at(11) });
        await reopen();
        const result = await store.claim(at(5000), room(at(5000), { late: 0 }));
        expect(result).toMatchObject({ misfires: 0, merged: 0 });
        expect(result.claims.map((claim) => claim.firing)).toEqual([
          { ...firing, attempt: 2, failures: 1 },
        ]);
      });

      test('a retry is void once its plan is removed or replaced', async () => {
        for (const key of ['a', 'b']) await putOneShot(key, 10);
        for (const { firing } of await claimAt(10)) {
          await store.settle(firing, { kind: 'retry', until: at(16) });
        }
        await store.remove('a');
        await putOneShot('b', 50);
        expect(await claimAt(20)).toEqual([]);
      });

      test('a new due time does not reset the retries of an older firing', async () => {
        await store.put(aDraft(), at(5));
        await store.settle(await claimOne(5), { kind: 'retry', until: at(12) });
        expect(await claimOne(10)).toMatchObject({ fireTime: at(10), attempt: 1 });
        expect(await claimOne(12)).toMatchObject({ fireTime: at(5), attempt: 2 });
      });

      test('released: due again at once with its attempt kept', async () => {
        await putOneShot('a', 10);
        const firing = await claimOne(10);
        await clock.set(at(12));
        await store.settle(firing, { kind: 'released' });
        expect(await claimOne(12)).toEqual(firing);
      });

      test('only once: a second settling changes nothing', async () => {
        await putOneShot('a', 10);
        const firing = await claimOne(10);
        await store.settle(firing, { kind: 'retry', until: at(16) });
        await store.settle(firing, { kind: 'done' });
        const again = await claimOne(16);
        await store.settle(firing, { kind: 'done' });
        expect(await store.get('a')).toMatchObject({ unfinished: [{ attempt: 2 }] });
        await store.settle(again, { kind: 'done' });
        expect(await store.get('a')).toBeUndefined();
      });
    });

    describe('parked', () => {
      const park = async (key: string, due: number, origin: string): Promise<Firing> => {
        await putOneShot(key, due);
        const firing = await claimOne(due);
        await store.settle(firing, { kind: 'parked', origin });
        return firing;
      };

      test('firings wait with their origin, and come back oldest first, attempt kept', async () => {
        const second = await park('b', 12, 'http:one:80');
        const first = await park('c', 11, 'http:one:80');
        await park('a', 13, 'http:one:80');
        await park('x', 10, 'http:one:8');
        expect(await claimAt(600)).toEqual([]);
        const claims = await store.claimParked('http:one:80', 2);
        expect(claims.map(({ firing }) => firing)).toEqual([first, second]);
        expect(keysOf(await store.claimParked('http:one:80', 9))).toEqual(['a']);
        expect(await store.claimParked('http:one:80', 9)).toEqual([]);
      });

      test('a plan hands over the firing that is parked, not its others', async () => {
        await store.put(aDraft(), at(5));
        const parked = await claimOne(5);
        await claimOne(10);
        await store.settle(parked, { kind: 'parked', origin: 'o' });
        const [claim] = await store.claimParked('o', 9);
        expect(claim!.firing).toEqual(parked);
        expect(claim!.plan).toEqual(await store.get('backup'));
      });

      test('are void once their plan is removed or replaced', async () => {
        await park('a', 10, 'o');
        await park('b', 11, 'o');
        await store.remove('a');
        await putOneShot('b', 50);
        expect(await store.claimParked('o', 9)).toEqual([]);
        expect(await store.parkedOrigins(undefined, 9)).toEqual([]);
      });

      test('outlive a reopen', async () => {
        const firing = await park('a', 10, 'o');
        await reopen();
        expect(store.recovery.reclaimed).toBe(0);
        expect((await store.claimParked('o', 9)).map((claim) => claim.firing)).toEqual([firing]);
      });

      test('origins are told in byte order, from after one on', async () => {
        for (const [n, origin] of ['b', 'a', 'ab', 'é', 'a'].entries()) {
          await park(`k${n}`, 10 + n, origin);
        }
        expect(await store.parkedOrigins(undefined, 9)).toEqual(['a', 'ab', 'b', 'é']);
        expect(await store.parkedOrigins(undefined, 2)).toEqual(['a', 'ab']);
        expect(await store.parkedOrigins('ab', 9)).toEqual(['b', 'é']);
        expect(await store.parkedOrigins('aa', 1)).toEqual(['ab']);
      });

      test('one parked again after it was taken comes again', async () => {
        const firing = await park('a', 10, 'o');
        await park('b', 11, 'o');
        await store.claimParked('o', 9);
        await store.settle(firing, { kind: 'parked', origin: 'o' });
        expect(keysOf(await store.claimParked('o', 9))).toEqual(['a']);
      });
    });

    describe('trigger', () => {
      const trigger = async (key: string): Promise<Firing> => {
        const firing = await store.trigger(key);
        expect(firing).toBeDefined();
        return firing!;
      };

      test('one firing more is due now; schedule and counts stay as they are', async () => {
        const plan = await store.put(aDraft({ count: 3 }), at(5));
        await clock.set(at(2));
        const firing = await trigger('backup');
        const { generation } = plan;
        const first = { attempt: 1, failures: 0, crashes: 0 };
        expect(firing).toEqual({
          key: 'backup',
          generation,
          fireTime: at(2),
          trigger: 1,
          ...first,
        });
        const state = { kind: 'waiting', until: at(2) };
        expect(await store.get('backup')).toEqual({
          ...plan,
          triggers: 1,
          unfinished: [{ fireTime: at(2), trigger: 1, ...first, state }],
        });
        expect(await claimAt(1)).toEqual([]);
        expect(await claimOne(2)).toEqual(firing);
        expect(await claimAt(4)).toEqual([]);
        await store.settle(firing, { kind: 'done' });
        expect(await store.get('backup')).toEqual({ ...plan, triggers: 1, status: 1 });
        expect(await claimOne(5)).toMatchObject({ fireTime: at(5) });
      });

      test('an absent plan is undefined', async () => {
        expect(await store.trigger('nobody')).toBeUndefined();
        await putOneShot('a', 10);
        await store.remove('a');
        expect(await store.trigger('a')).toBeUndefined();
        expect(store.planCount()).toBe(0);
      });

      test('firings of one second are each their own: none is lost, settled or doubled for another', async () => {
        await store.put(aDraft(), at(5));
        await clock.set(at(5));
        const [one, two] = [await trigger('backup'), await trigger('backup')];
        const claims = await claimAt(5);
        const due = claims
          .map(({ firing }) => firing)
          .find((firing) => firing.trigger === undefined);
        expect(claims.map(({ firing }) => firing.fireTime)).toEqual([at(5), at(5), at(5)]);
        await store.settle(two, { kind: 'done' });
        await store.settle(due!, { kind: 'retry', until: at(6) });
        expect(await store.get('backup')).toMatchObject({ firedCount: 1, lastFireTime: at(5) });
        expect(await claimOne(6)).toEqual({ ...due, attempt: 2, failures: 1 });
        await store.settle(one, { kind: 'parked', origin: 'o' });
        await store.settle({ ...due!, attempt: 2 }, { kind: 'parked', origin: 'o' });
        const parked = await store.claimParked('o', 9);
        expect(parked.map(({ firing }) => firing.trigger)).toEqual([undefined, 1]);
        expect(await store.claimParked('o', 9)).toEqual([]);
      });

      test('no number is used twice, though its second comes again: settled, reopened', async () => {
        await store.put(aDraft({ count: 0 }), at(500));
        const numbers: (number | undefined)[] = [];
        for (let n = 0; n < 3; n++) {
          numbers.push((await trigger('backup')).trigger);
          await store.settle(await claimOne(0), { kind: 'done' });
          await reopen();
        }
        expect(numbers).toEqual([1, 2, 3]);
      });

      test('is durable before it is claimed, and outlives a crash as any firing', async () => {
        await putOneShot('a', 500);
        const firing = await trigger('a');
        await reopen();
        expect(await claimOne(0)).toEqual(firing);
        await reopen();
        expect(store.recovery.reclaimed).toBe(1);
        const again = await claimOne(0);
        expect(again).toEqual({ ...firing, attempt: 2, crashes: 1 });
        await store.settle(again, { kind: 'retry', until: at(6) });
        expect(await claimOne(6)).toEqual({ ...firing, attempt: 3, crashes: 1, failures: 1 });
      });

      test('is no misfire and not merged however late it is claimed', async () => {
        await putOneShot('a', 50_000);
        const firing = await trigger('a');
        const result = await store.claim(at(5000), room(at(5000), { late: 0 }));
        expect(result).toMatchObject({ misfires: 0, merged: 0, claims: [{ firing }] });
      });

      test('is refused while as many firings are unfinished as the plan may have', async () => {
        const params = new Map([['forsun.max_unfinished', '2']]);
        await store.put(aDraft({ params }), at(5));
        const first = await claimOne(5);
        await trigger('backup');
        const plan = await store.get('backup');
        await expect(store.trigger('backup')).rejects.toMatchObject({
          code: 'too_many_unfinished',
        });
        expect(await store.get('backup')).toEqual(plan);
        await store.settle(first, { kind: 'done' });
        expect(await trigger('backup')).toMatchObject({ trigger: 2 });
      });

      test.each(['waiting', 'in flight', 'parked'] as const)(
        'is void, %s, once its plan is removed or replaced',
        async (state) => {
          for (const key of ['a', 'b']) {
            await putOneShot(key, 500);
            await trigger(key);
          }
          const firings = state === 'waiting' ? [] : (await claimAt(0)).map(({ firing }) => firing);
          const how = { kind: 'parked', origin: 'o' } as const;
          if (state === 'parked') for (const firing of firings) await store.settle(firing, how);
          await store.remove('a');
          const plan = await putOneShot('b', 500);
          for (const firing of firings) await store.settle(firing, { kind: 'released' });
          expect(await claimAt(10)).toEqual([]);
          expect(await store.claimParked('o', 9)).toEqual([]);
          expect(await store.get('b')).toEqual(plan);
        },
      );

      test('a plan whose last due time is over lives until it has ended, and no longer', async () => {
        await putOneShot('a', 10);
        const due = await claimOne(10);
        await trigger('a');
        await store.settle(due, { kind: 'done' });
        expect(await store.get('a')).toMatchObject({ unfinished: [{ trigger: 1 }] });
        await store.settle(await claimOne(10), failed);
        expect([await store.get('a'), store.planCount()]).toEqual([undefined, 0]);
        expect(await store.failures('', 9)).toMatchObject([{ key: 'a', fireTime: T0 }]);
      });

      test('a plan that is kept for its status fires once more, and is kept anew', async () => {
        await reopen({ statusKeepSeconds: 100 });
        await putOneShot('a', 10);
        await clock.set(at(10));
        await store.settle(await claimOne(10), failed);
        await clock.set(at(50));
        await trigger('a');
        await store.settle(await claimOne(110), { kind: 'done' });
        expect(await claimAt(149)).toEqual([]);
        expect(await store.get('a')).toMatchObject({ status: 1, firedCount: 1 });
        await claimAt(150);
        expect([await store.get('a'), store.planCount()]).toEqual([undefined, 0]);
      });
    });

    describe('failures', () => {
      const due = 10;
      const claimed = async (...keys: string[]): Promise<Firing[]> => {
        for (const key of keys) await putOneShot(key, due);
        return (await claimAt(due)).map(({ firing }) => firing);
      };
      const fail = async (key: string, reason = 'no answer'): Promise<void> => {
        for (const firing of await claimed(key)) {
          await store.settle(firing, { kind: 'failed', reason });
        }
      };
      const failedKeys = async (prefix = '', limit = 100): Promise<string[]> =>
        (await store.failures(prefix, limit)).map(({ key }) => key);

      test('a firing that failed is listed, as it was, though its plan is gone', async () => {
        const [firing] = await claimed('a');
        await store.settle(firing!, { kind: 'retry', until: at(16) });
        const again = await claimOne(16);
        await clock.set(at(17));
        await store.settle(again, { kind: 'failed', reason: 'ä 🚀\n' });
        const { key, generation } = again;
        const failure = { key, generation, action: 'shell', fireTime: at(due), attempts: 2 };
        const listed = await store.failures('', 10);
        const number = expect.any(Number) as number;
        expect(listed).toEqual([{ ...failure, failedAt: at(17), reason: 'ä 🚀\n', number }]);
        expect(await store.get('a')).toBeUndefined();
        await reopen();
        expect(await store.failures('', 10)).toEqual(listed);
      });

      test('of a triggered firing it is told by the number that its fire id has', async () => {
        await putOneShot('a', due);
        await store.trigger('a');
        await clock.set(at(due));
        for (const firing of (await claimAt(due)).map((claim) => claim.firing)) {
          await store.settle(firing, failed);
        }
        const listed = await store.failures('', 10);
        expect(listed.map(({ trigger }) => trigger).sort()).toEqual([1, undefined]);
      });

      test('page by page each comes once, whatever fails meanwhile, also over a reopening', async () => {
        await reopen({ statusKeepSeconds: 0, failuresKept: 6 });
        for (const key of ['b', 'a1', 'a2', 'b', 'a3', 'a4']) await fail(key);
        const [newest, next] = await store.failures('a', 2);
        expect([newest?.key, next?.key]).toEqual(['a4', 'a3']);
        await fail('a5');
        await reopen({ statusKeepSeconds: 0, failuresKept: 6 });
        await fail('a6');
        const rest = await store.failures('a', 9, next!.number);
        expect(rest.map(({ key }) => key)).toEqual(['a2']);
        expect(await store.failures('a', 9, rest[0]!.number)).toEqual([]);
        expect(await failedKeys('a')).toEqual(['a6', 'a5', 'a4', 'a3', 'a2']);
        expect(await store.failures('a', 9, 0)).toEqual([]);
      });

      test('the newest first, of keys that start with the prefix, at most as many as asked', async () => {
        expect(await failedKeys()).toEqual([]);
        for (const key of ['b', 'a*b', 'a', 'a🚀', 'a', 'A']) await fail(key);
        expect(await failedKeys()).toEqual(['A', 'a', 'a🚀', 'a', 'a*b', 'b']);
        expect(await failedKeys('a')).toEqual(['a', 'a🚀', 'a', 'a*b']);
        expect(await failedKeys('a*')).toEqual(['a*b']);
        expect(await failedKeys('a', 2)).toEqual(['a', 'a🚀']);
        expect(await failedKeys('c')).toEqual([]);
      });

      test('nothing else that ends a claim is a failure', async () => {
        const [a, b, c, d] = await claimed('a', 'b', 'c', 'd');
        await store.settle(a!, { kind: 'done' });
        await store.settle(b!, { kind: 'retry', until: at(16) });
        await store.settle(c!, { kind: 'released' });
        await store.settle(d!, { kind: 'parked', origin: 'o' });
        expect(await failedKeys()).toEqual([]);
      });

      test('what settles nothing lists nothing: removed, replaced, or settled before', async () => {
        const firings = await claimed('removed', 'replaced', 'twice');
        await store.remove('removed');
        await putOneShot('replaced', 50);
        for (const firing of [...firings, ...firings]) await store.settle(firing, failed);
        expect(await failedKeys()).toEqual(['twice']);
      });

      test('as many of the newest are kept as the store is told to, and no more', async () => {
        await reopen({ statusKeepSeconds: 0, failuresKept: 5 });
        const keys = Array.from({ length: 12 }, (_, n) => `k${n}`);
        for (const firing of await claimed(...keys)) void store.settle(firing, failed);
        await fail('last');
        const newest = await failedKeys();
        expect(newest).toHaveLength(5);
        expect(newest[0]).toBe('last');
        await reopen({ statusKeepSeconds: 0, failuresKept: 3 });
        expect(await failedKeys()).toEqual(newest.slice(0, 3));
        await reopen({ statusKeepSeconds: 0, failuresKept: 4 });
        await fail('a');
        await fail('b');
        expect(await failedKeys()).toEqual(['b', 'a', ...newest.slice(0, 2)]);
        await reopen({ statusKeepSeconds: 0, failuresKept: 0 });
        await fail('c');
        expect(await failedKeys()).toEqual([]);
      });

      test('a reason is kept as far as a person reads it, and is text', async () => {
        await fail('a', 'x'.repeat(100_000));
        await fail('b', 'half \ud83d');
        const [b, a] = await store.failures('', 2);
        expect(a!.reason).toBe(`${'x'.repeat(255)}…`);
        expect(b!.reason).toBe('half \ufffd');
      });
    });

    describe('a process that ends with firings in flight', () => {
      test('the next one has them due at once, as the next attempt', async () => {
        await putOneShot('a', 10);
        const firing = await claimOne(10);
        await clock.set(at(20));
        await reopen();
        expect(store.recovery).toEqual({ reclaimed: 1, givenUp: [] });
        expect(await claimOne(20)).toEqual({ ...firing, attempt: 2, crashes: 1 });
      });

      test('under backoff from the second time on, and given up after ten', async () => {
        await putOneShot('a', 10);
        let now = 10;
        let firing = await claimOne(now);
        for (let crashes = 1; crashes <= 10; crashes++) {
          await reopen();
          if (crashes > 1) expect(await claimAt(now + 4)).toEqual([]);
          now += 1000;
          await clock.set(at(now));
          firing = await claimOne(now);
          expect(firing).toMatchObject({ fireTime: at(10), attempt: crashes + 1, crashes });
        }
        await reopen();
        expect(store.recovery).toEqual({ reclaimed: 0, givenUp: [{ ...firing, crashes: 11 }] });
        expect([await store.get('a'), store.planCount()]).toEqual([undefined, 0]);
        const reason = 'under way at 11 crashes of the server';
        const failure = { key: 'a', fireTime: at(10), attempts: 11, failedAt: at(now), reason };
        expect(await store.failures('', 9)).toMatchObject([failure]);
      });

      test('a repeating plan goes on beside it', async () => {
        await store.put(aDraft(), at(5));
        await claimOne(5);
        await reopen();
        const claims = await claimAt(10);
        expect(claims.map(({ firing }) => [firing.fireTime, firing.attempt])).toEqual([
          [at(5), 2],
          [at(10), 1],
        ]);
      });
    });

    test('puts, replacements, removes and claims at once: what is left fires once', async () => {
      const changes: Promise<unknown>[] = [];
      const fired = new Map<string, number>();
      const claimAll = async (seconds: number): Promise<void> => {
        for (let more = true; more;) {
          const result = await store.claim(at(seconds), room(at(seconds), { firings: 7, late: 7 }));
          for (const { firing } of result.claims) {
            const id = `${firing.key} ${firing.generation}`;
            fired.set(id, (fired.get(id) ?? 0) + 1);
          }
          more = result.more;
        }
      };
      for (let round = 0; round < 12; round++) {
        const claims = claimAll(round * 10);
        for (let n = 0; n < 20; n++) {
          const key = `${round}/${n}`;
          // Due about now, in the past, within the minute, and beyond it; every fourth one is moved.
          changes.push(putOneShot(key, round * 10 + ((n * 13) % 150) - 30));
          if (n % 4 === 0) changes.push(putOneShot(key, round * 10 + ((n * 7) % 150)));
          if (n % 5 === 0) changes.push(store.remove(key));
        }
        await claims;
      }
      await Promise.all(changes);
      await claimAll(400);
      expect([...fired.values()].filter((times) => times > 1)).toEqual([]);
      const plans = await store.getMany(await store.keys('', 1000));
      expect(plans.length).toBe(store.planCount());
      for (const { key, generation } of plans) expect(fired.get(`${key} ${generation}`)).toBe(1);
    });

    test('a plan that fires all its missed due times waits while its limit is unfinished', async () => {
      const params = new Map([
        ['forsun.misfire', 'fire_all'],
        ['forsun.max_unfinished', '2'],
      ]);
      await store.put(aDraft({ params }), at(5));
      const fireTimes: number[] = [];
      const claimAll = async (): Promise<Firing[]> => {
        const firings: Firing[] = [];
        for (let more = true; more;) {
          const result = await store.claim(at(1000), room(at(1000)));
          firings.push(...result.claims.map(({ firing }) => firing));
          more = result.more;
        }
        fireTimes.push(...firings.map(({ fireTime }) => fireTime));
        return firings;
      };
      const [first, second] = await claimAll();
      expect(fireTimes).toHaveLength(2);
      expect(await claimAll()).toEqual([]);
      await store.settle(first!, { kind: 'done' });
      expect(await claimAll()).toHaveLength(1);
      await store.settle(second!, failed);
      expect(await claimAll()).toHaveLength(1);
      expect(fireTimes).toEqual(fireTimes.toSorted((a, b) => a - b));
      expect(new Set(fireTimes).size).toBe(4);
    });

    test('time before the epoch and far ahead is time', async () => {
      await store.put(aDraft({ key: 'past', count: 1 }), unixSeconds(-5));
      await store.put(aDraft({ key: 'y2100', count: 1 }), unixSeconds(2 ** 32 + 5));
      const early = unixSeconds(-5);
      expect(keysOf((await store.claim(early, room(early))).claims)).toEqual(['past']);
      const far = unixSeconds(2 ** 32 + 5);
      expect(keysOf((await store.claim(far, room(far))).claims)).toEqual(['y2100']);
    });
  });
}
