import fc from 'fast-check';

export const aText = fc.string({ unit: 'binary', maxLength: 40 });
export const anI16 = fc.integer({ min: -32_768, max: 32_767 });
export const anI32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
export const anI64 = fc.oneof(fc.maxSafeInteger(), anI32);

/** Params the generated code can carry too: it keeps them in objects. */
export const someParams = fc
  .dictionary(
    aText.filter((name) => name !== '__proto__' && name !== 'hasOwnProperty'),
    aText,
    { maxKeys: 20 },
  )
  .map((object) => new Map(Object.entries({ ...object })));

export const scheduleArgs = {
  key: aText,
  second: anI16,
  minute: anI16,
  hour: anI16,
  day: anI16,
  month: anI16,
  week: anI16,
};

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

export const aWireFailure = fc.record({
  key: aText,
  action: aText,
  fire_time: anI64,
  attempts: anI32,
  failed_at: anI64,
  reason: aText,
});

/** With a next time: the generated server code refuses to write a plan that has none. */
export const aWirePlan = fc.record({
  is_time_out: fc.boolean(),
  ...scheduleArgs,
  next_time: anI32,
  status: anI16,
  count: anI16,
  current_count: anI16,
  last_timeout: anI32,
  action: aText,
  params: someParams,
  next_fire_time: maybe(anI64),
  last_fire_time: maybe(anI64),
  created_time: maybe(anI64),
  running: maybe(anI32),
  fired_count: maybe(anI64),
  timezone: maybe(aText),
  year: maybe(anI32),
  total_count: maybe(anI64),
  unfinished: maybe(anI32),
  unfinished_time: maybe(anI64),
});
