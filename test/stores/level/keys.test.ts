import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { FiringName } from '../../../src/core/firing.ts';
import { unixSeconds } from '../../../src/core/time.ts';
import type { DueEntry } from '../../../src/stores/claim-due.ts';
import {
  agendaEntryOf,
  agendaKey,
  parkedEntryOf,
  parkedKey,
} from '../../../src/stores/level/keys.ts';

const time = fc.integer({ min: -(2 ** 46), max: 2 ** 46 }).map(unixSeconds);
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 20 })
  .filter((text) => !text.includes('\0'));
const firing: fc.Arbitrary<FiringName> = fc.record(
  { fireTime: time, trigger: fc.integer({ min: 1, max: 2 ** 48 - 1 }) },
  { requiredKeys: ['fireTime'] },
);
const due: fc.Arbitrary<DueEntry> = fc.record({ due: time, key: name });
const waiting: fc.Arbitrary<DueEntry> = fc.record(
  { due: time, key: name, firing },
  { requiredKeys: ['due', 'key'] },
);

test('every key of an agenda reads back as its entry', () => {
  fc.assert(
    fc.property(due, waiting, (due, waiting) => {
      expect(agendaEntryOf(agendaKey('agenda', due))).toEqual(due);
      expect(agendaEntryOf(agendaKey('waiting', waiting))).toEqual(waiting);
    }),
  );
});

test('byte order is time order, whatever the keys, before the epoch too', () => {
  fc.assert(
    fc.property(waiting, waiting, (a, b) => {
      fc.pre(a.due !== b.due);
      const order = Buffer.compare(agendaKey('waiting', a), agendaKey('waiting', b));
      expect(Math.sign(order)).toBe(Math.sign(a.due - b.due));
    }),
  );
});

test('what is parked reads back, and stands oldest first within its origin', () => {
  const parked = fc.record({ origin: name, key: name, firing });
  fc.assert(
    fc.property(parked, parked, (a, b) => {
      const order = Buffer.compare(parkedKey(a), parkedKey(b));
      expect(parkedEntryOf(parkedKey(a))).toEqual(a);
      const [one, other] = [a.firing.fireTime, b.firing.fireTime];
      if (a.origin !== b.origin || one === other) return;
      expect(Math.sign(order)).toBe(Math.sign(one - other));
    }),
  );
});
