import fc from 'fast-check';
import { expect, test } from 'vitest';

import { draftOf } from '../../../src/core/plan-request.ts';
import { restoredOf } from '../../../src/core/plan-restore.ts';
import type { Plan, PlanRequest } from '../../../src/core/plan.ts';
import { addSeconds, unixSeconds } from '../../../src/core/time.ts';
import { everybody } from '../../../src/interfaces/access/caller.ts';
import { shownTo } from '../../../src/interfaces/access/shown.ts';
import { restoreRequest, wirePlan } from '../../../src/interfaces/thrift/mapping.ts';
import { binary } from '../../../src/wire/binary.ts';
import { forsunService } from '../../../src/wire/forsun.ts';
import { wireDefaults } from '../../../src/wire/limits.ts';
import { MessageStream } from '../../../src/wire/message-stream.ts';
import { writeCall } from '../../../src/wire/messages.ts';
import { readStruct } from '../../../src/wire/read-struct.ts';
import { T0 } from '../../support/plans.ts';
import { written } from '../../support/wire-oracle.ts';

const { restore } = forsunService;
const elsewhere = { now: addSeconds(T0, 10_000), newKey: () => 'made', defaultZone: 'Asia/Tokyo' };
const here = { now: T0, newKey: () => 'made', defaultZone: 'Europe/Berlin' };

const maybe = (min: number, max: number): fc.Arbitrary<number | undefined> =>
  fc.option(fc.integer({ min, max }), { nil: undefined });
const params = fc.dictionary(fc.string({ minLength: 1 }), fc.string()).map((all) => ({ ...all }));

const intervals = fc.record({
  kind: fc.constant('interval' as const),
  fields: fc.record({ second: fc.integer({ min: 1, max: 32_767 }), week: maybe(0, 32_767) }),
  count: fc.oneof(fc.nat({ max: 5 }), fc.nat()),
  policies: fc.constantFrom({}, { 'forsun.misfire': 'skip' }),
  year: fc.constant(undefined),
});
const calendars = fc.record({
  kind: fc.constant('calendar' as const),
  fields: fc.oneof(
    fc.record({ minute: maybe(0, 59), hour: maybe(0, 23), week: maybe(0, 7) }),
    fc.record({
      ...{ second: fc.nat({ max: 59 }), minute: fc.nat({ max: 59 }), hour: fc.nat({ max: 23 }) },
      ...{ day: fc.integer({ min: 1, max: 28 }), month: fc.integer({ min: 1, max: 12 }) },
    }),
  ),
  count: fc.constant(0),
  policies: fc.constantFrom({}, { 'forsun.timezone': 'America/New_York' }),
  year: fc.integer({ min: 2024, max: 9_999 }),
});
const crons = fc.record({
  kind: fc.constant('calendar' as const),
  fields: fc.constant({}),
  count: fc.constant(0),
  policies: fc.constantFrom(
    { 'forsun.cron': '0 9 * * mon-fri' },
    { 'forsun.cron': '*/5 * * * * *', 'forsun.timezone': 'Asia/Kolkata' },
  ),
  year: fc.constant(undefined),
});

const aPlan = fc
  .record({
    schedule: fc.oneof(intervals, calendars, crons),
    given: params,
    key: fc.string({ minLength: 1 }),
    past: fc.record({
      createdTime: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }).map(unixSeconds),
      lastFireTime: fc.integer({ min: 1, max: 2 ** 40 }).map(unixSeconds),
      status: fc.constantFrom(0 as const, 1 as const, -1 as const),
    }),
    fired: fc.nat(),
    dueIn: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  })
  .map(({ schedule, given, key, past, fired, dueIn }): Plan => {
    const { kind, fields, count, policies, year } = schedule;
    const isMoment = 'month' in fields;
    const request = {
      ...{ kind, key: key.replace(/\p{Cc}/gu, '-'), count },
      fields: Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined)),
      ...(isMoment && year !== undefined ? { year } : {}),
      ...{ action: 'shell', params: new Map(Object.entries({ ...given, ...policies })) },
    } as PlanRequest;
    const { draft } = draftOf(request, here);
    const firedCount = draft.count === 0 ? fired : fired % draft.count;
    const nextFireTime = addSeconds(T0, dueIn);
    return { ...draft, ...past, firedCount, nextFireTime, generation: 1, unfinished: [] };
  });

test('what one server tells of a plan, another restores, whatever its own zone and time', () => {
  fc.assert(
    fc.property(aPlan, (plan) => {
      const told = wirePlan(shownTo(everybody, plan));
      const stream = new MessageStream(wireDefaults, { protocol: binary, framed: false });
      const header = { name: 'restore', seqid: 1 };
      stream.push(written(binary, (writer) => writeCall(writer, header, restore, { plan: told })));
      stream.next();
      const request = restoreRequest(readStruct(stream.reader, restore.args).plan);

      const { draft, nextFireTime, past } = restoredOf(request, elsewhere);
      const { generation: _generation, unfinished: _unfinished, ...given } = plan;
      expect({ ...draft, nextFireTime, ...past }).toEqual(given);
    }),
  );
});
