import fc from 'fast-check';
import { expect, test } from 'vitest';

import { unixSeconds } from '../../../src/core/time.ts';
import {
  agendaEntryOf,
  agendaKey,
  type AgendaEntry,
  parkedEntryOf,
  parkedKey,
} from '../../../src/stores/level/keys.ts';

const time = fc.integer({ min: -(2 ** 46), max: 2 ** 46 }).map(unixSeconds);
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 20 })
  .filter((text) => !text.includes('\0'));
const due: fc.Arbitrary<AgendaEntry> = fc.record({ due: time, key: name });
const waiting: fc.Arbitrary<AgendaEntry> = fc.record(
  { due: time, key: name, fireTime: time },
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
  const parked = fc.record({ origin: name, fireTime: time, key: name });
  fc.assert(
    fc.property(parked, parked, (a, b) => {
      const [one, other] = [a, b].map(({ origin, fireTime, key }) =>
        parkedKey(origin, fireTime, key),
      );
      expect(parkedEntryOf(one!)).toEqual(a);
      if (a.origin !== b.origin || a.fireTime === b.fireTime) return;
      expect(Math.sign(Buffer.compare(one!, other!))).toBe(Math.sign(a.fireTime - b.fireTime));
    }),
  );
});
