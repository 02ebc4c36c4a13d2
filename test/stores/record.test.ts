import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { UnfinishedState } from '../../src/core/firing.ts';
import type { FieldValues, Schedule } from '../../src/core/schedule.ts';
import { addSeconds, unixSeconds } from '../../src/core/time.ts';
import { decodeRecord, encodeRecord, UnreadableRecord } from '../../src/stores/record.ts';
import type { StoredPlan } from '../../src/stores/stored-plan.ts';
import { aDraft, T0 } from '../support/plans.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('__proto__', 'hasOwnProperty', '', 'é'.repeat(50), '🚀'.repeat(40)),
);
const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const small = fc.nat({ max: 300 });
const time = fc.integer({ min: -(2 ** 45), max: 2 ** 45 }).map(unixSeconds);
const field = fc.integer({ min: 0, max: 40_000 });
const fields: fc.Arbitrary<FieldValues> = fc.record(
  { second: field, minute: field, hour: field, day: field, month: field, week: field },
  { requiredKeys: [] },
);
const schedule: fc.Arbitrary<Schedule> = fc.oneof(
  fc.record({ kind: fc.constant('interval' as const), everySeconds: whole, fields }),
  fc.record(
    { kind: fc.constant('calendar' as const), fields, zone: text, year: fc.integer() },
    { requiredKeys: ['kind', 'fields', 'zone'] },
  ),
  fc.record({ kind: fc.constant('cron' as const), expression: text, zone: text }),
);
const state: fc.Arbitrary<UnfinishedState> = fc.oneof(
  fc.record({ kind: fc.constant('in_flight' as const) }),
  fc.record({ kind: fc.constant('waiting' as const), until: time }),
  fc.record({ kind: fc.constant('parked' as const), origin: text }),
);
const firing = fc.record({
  fireTime: time,
  attempt: small,
  failures: small,
  crashes: small,
  state,
});
const trigger = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const anyFiring = fc.oneof(
  firing,
  fc.tuple(firing, trigger).map(([firing, trigger]) => ({ ...firing, trigger })),
);
const untriggered: fc.Arbitrary<StoredPlan> = fc.record(
  {
    key: text,
    schedule,
    count: whole,
    action: text,
    params: fc.array(fc.tuple(text, text), { maxLength: 8 }).map((pairs) => new Map(pairs)),
    generation: whole,
    createdTime: time,
    nextFireTime: time,
    lastFireTime: time,
    expires: time,
    firedCount: whole,
    status: fc.constantFrom(0, 1, -1),
    unfinished: fc.array(firing, { maxLength: 5 }),
  },
  {
    requiredKeys: [
      'key',
      'schedule',
      'count',
      'action',
      'params',
      'generation',
      'createdTime',
      'firedCount',
      'status',
      'unfinished',
    ],
  },
);

const plan: fc.Arbitrary<StoredPlan> = fc.oneof(
  untriggered,
  fc
    .tuple(untriggered, trigger, fc.array(anyFiring, { maxLength: 5 }))
    .map(([plan, triggers, unfinished]) => ({ ...plan, triggers, unfinished })),
);

const aPlan: StoredPlan = {
  ...aDraft({ params: new Map([['cmd', 'echo €']]) }),
  generation: 7,
  createdTime: T0,
  nextFireTime: addSeconds(T0, 5),
  firedCount: 0,
  status: 0,
  unfinished: [],
};

test('what is decoded is what was encoded, for every plan there can be', () => {
  fc.assert(
    fc.property(plan, (plan) => {
      const decoded = decodeRecord(plan.key, encodeRecord(plan));
      expect(decoded).toEqual(plan);
      expect([...decoded.params]).toEqual([...plan.params]);
      expect(Object.keys(decoded).sort()).toEqual(Object.keys(plan).sort());
    }),
    { numRuns: 500 },
  );
});

test('a record of version 1 reads for ever as it did when it was written', () => {
  const written = '01069e82a8010780c49fd50c0a000005010a057368656c6c0103636d64086563686f20e282ac';
  expect(encodeRecord(aPlan).toString('hex')).toBe(written);
  expect(decodeRecord('backup', Buffer.from(written, 'hex'))).toEqual(aPlan);
});

test('a record of version 2, of a plan that was triggered, reads for ever as it was written', () => {
  const counts = { attempt: 2, failures: 1, crashes: 0 };
  const triggered: StoredPlan = {
    ...aPlan,
    triggers: 3,
    unfinished: [
      { fireTime: addSeconds(T0, 5), ...counts, state: { kind: 'in_flight' } },
      {
        fireTime: addSeconds(T0, 4),
        trigger: 3,
        ...counts,
        state: { kind: 'waiting', until: addSeconds(T0, 6) },
      },
    ],
  };
  const written =
    '02e5740889090780c49fd50c0a00000305010a057368656c6c0103636d64086563686f20e282ac020a00020100000803020100010c';
  expect(encodeRecord(triggered).toString('hex')).toBe(written);
  expect(decodeRecord('backup', Buffer.from(written, 'hex'))).toEqual(triggered);
});

test('a plan with 100 bytes of params takes at most 150, its due time on the agenda included', () => {
  const params = new Map([['url', 'x'.repeat(97)]]);
  const record = encodeRecord({ ...aPlan, key: 'o', action: 'http', params, generation: 10 ** 7 });
  const agendaEntry = 1 + 6 + 1 + 4;
  expect(2 + record.length + agendaEntry).toBeLessThanOrEqual(150);
});

describe('what is not as it was written is refused, not read as something else:', () => {
  const record = encodeRecord(aPlan);
  const decode =
    (bytes: Buffer, key = 'backup') =>
    () =>
      decodeRecord(key, bytes);

  test('every bit flipped', () => {
    for (let bit = 0; bit < record.length * 8; bit++) {
      const flipped = Buffer.from(record);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(decode(flipped)).toThrow(UnreadableRecord);
    }
  });

  test('every cut', () => {
    for (let end = 0; end < record.length; end++) {
      expect(decode(record.subarray(0, end))).toThrow(UnreadableRecord);
    }
  });

  test('bytes that follow', () => {
    expect(decode(Buffer.concat([record, Buffer.from([0])]))).toThrow(UnreadableRecord);
  });

  test('the record of another key, and its message names the key', () => {
    expect(decode(record, 'back\nup')).toThrow(/plan "back\\nup" .* checksum is [0-9a-f]{8}/);
  });

  test('a newer version, and its message says which came and which was expected', () => {
    const newer = Buffer.from(record);
    newer.writeUInt8(3, 0);
    expect(decode(newer)).toThrow('"backup" cannot be read: it has version 3');
    expect(decode(newer)).toThrow('reads versions 1 and 2');
  });
});
