import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { FiringName } from '../../../src/core/firing.ts';
import { defaultPolicy } from '../../../src/core/policy.ts';
import { unixSeconds } from '../../../src/core/time.ts';
import { UnreadableRecord } from '../../../src/stores/record.ts';
import {
  firingOfText,
  firingText,
  heldMember,
  keyOfHeldMember,
  numberOfText,
  numberText,
  parkedEntryOf,
  timeText,
  treeEntryOf,
} from '../../../src/stores/redis/keys.ts';
import {
  decodeHeld,
  encodeHeld,
  placesOf,
  tokenOf,
} from '../../../src/stores/redis/redis-record.ts';
import type { StoredPlan } from '../../../src/stores/stored-plan.ts';
import { aDraft, T0 } from '../../support/plans.ts';

const number = fc.nat({ max: 2 ** 42 - 1 });
const time = fc.integer({ min: -(2 ** 40), max: 2 ** 40 }).map(unixSeconds);
const key = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !text.includes('\0'));
const firing: fc.Arbitrary<FiringName> = fc.record(
  { fireTime: time, trigger: fc.integer({ min: 1, max: 1e9 }) },
  { requiredKeys: ['fireTime'] },
);
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe('texts in Redis', () => {
  test('numbers and times sort as they do', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(Math.sign(byBytes(numberText(a), numberText(b)))).toBe(Math.sign(a - b));
        expect(numberOfText(numberText(a))).toBe(a);
      }),
    );
    fc.assert(
      fc.property(time, time, (a, b) => {
        expect(Math.sign(byBytes(timeText(a), timeText(b)))).toBe(Math.sign(a - b));
      }),
    );
  });

  test('what is no number is told', () => {
    for (const wrong of [-1, 2 ** 42, 0.5, NaN]) expect(() => numberText(wrong)).toThrow(TypeError);
    for (const wrong of ['', '123456', '12345.7']) {
      expect(() => numberOfText(wrong)).toThrow(RangeError);
    }
  });

  test('entries of indexes come back as they were', () => {
    fc.assert(
      fc.property(key, time, firing, (key, due, name) => {
        expect(treeEntryOf(timeText(due) + key)).toEqual({ due, key });
        expect(treeEntryOf(`${timeText(due)}${key}\0`)).toEqual({ due, key });
        const waiting = `${timeText(due)}${key}\0${firingText(name)}`;
        expect(treeEntryOf(waiting)).toEqual({ due, key, firing: name });
        const parked = `${timeText(name.fireTime)}${key}\0${name.trigger ?? ''}`;
        expect(parkedEntryOf(parked)).toEqual({ key, firing: name });
        expect(firingOfText(firingText(name))).toEqual(name);
        expect(keyOfHeldMember(heldMember(key, name))).toBe(key);
      }),
    );
  });
});

describe('a record in Redis', () => {
  const inFlight = {
    fireTime: T0,
    attempt: 1,
    failures: 0,
    crashes: 0,
    state: { kind: 'in_flight' },
  };
  const plan = (life: Partial<StoredPlan>): StoredPlan => ({
    ...aDraft(),
    ...{ generation: 7, createdTime: T0, firedCount: 0, status: 0, unfinished: [], ...life },
  });
  const held = plan({
    triggers: 2,
    nextFireTime: unixSeconds(T0 + 5),
    unfinished: [
      inFlight,
      { ...inFlight, fireTime: unixSeconds(T0 + 1), state: { kind: 'parked', origin: 'ö' } },
      { ...inFlight, fireTime: T0, trigger: 2, state: { kind: 'waiting', until: T0 } },
    ] as StoredPlan['unfinished'],
  });
  const holders = new Map([[firingText({ fireTime: T0 }), 'session']]);

  test('comes back with who holds what of it', () => {
    const bytes = encodeHeld(held, holders, defaultPolicy);
    expect(decodeHeld('backup', bytes)).toEqual({ plan: held, holders });
  });

  test('names its places in all indexes', () => {
    const next = timeText(unixSeconds(T0 + 5));
    expect(placesOf(held, holders, defaultPolicy)).toEqual([
      `d${next}`,
      `hsession\0${timeText(T0)}`,
      `pö\0${timeText(unixSeconds(T0 + 1))}`,
      `w${timeText(T0)}${timeText(T0)}2`,
    ]);
    const params = new Map([
      ['forsun.misfire', 'fire_all'],
      ['forsun.max_unfinished', '1'],
    ]);
    const full = { ...held, params, unfinished: held.unfinished.slice(0, 1) };
    expect(placesOf(full, holders, defaultPolicy)[0]).toBe(`a${next}`);
  });

  test('its token is that of no other state of the plan', () => {
    const tokens = [held, { ...held, status: 1 as const }, { ...held, generation: 8 }].map((one) =>
      tokenOf(encodeHeld(one, holders, defaultPolicy)).toString('hex'),
    );
    expect(new Set([...tokens, tokenOf(undefined).toString('hex')]).size).toBe(4);
  });

  test('bytes that are not what was written are refused, whatever they are', () => {
    const bytes = encodeHeld(held, holders, defaultPolicy);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ change;
        let read: unknown;
        try {
          read = decodeHeld('backup', changed);
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableRecord);
          return;
        }
        // In the head, which indexes are derived from, and the plan is not.
        expect(read).toMatchObject({ plan: held });
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (some) => {
        expect(() => decodeHeld('backup', Buffer.from(some))).toThrow(UnreadableRecord);
        expect(tokenOf(Buffer.from(some)).length).toBeLessThanOrEqual(some.length + 1);
      }),
    );
  });
});
