import type { Method } from './messages.ts';
import {
  bool,
  field,
  type Fields,
  i16,
  i32,
  i64,
  listOf,
  struct,
  type StructType,
  text,
  textList,
  textMap,
} from './schema.ts';

const noParams: ReadonlyMap<string, string> = new Map();

/** The refusal of a call, declared as field 1 of what these methods answer. */
export const errorStruct = struct({ code: field(1, i16), message: field(2, text) });

export const planStruct = struct({
  is_time_out: field(1, bool),
  key: field(2, text),
  second: field(3, i16),
  minute: field(4, i16, -1),
  hour: field(5, i16, -1),
  day: field(6, i16, -1),
  month: field(7, i16, -1),
  week: field(8, i16, -1),
  next_time: field(9, i32),
  status: field(10, i16, 0),
  count: field(11, i16, 0),
  current_count: field(12, i16, 0),
  last_timeout: field(13, i32, 0),
  action: field(14, text, 'shell'),
  params: field(15, textMap, noParams),
  next_fire_time: field(16, i64),
  last_fire_time: field(17, i64),
  created_time: field(18, i64),
  running: field(19, i32),
  fired_count: field(20, i64),
  timezone: field(21, text),
  year: field(22, i32),
  total_count: field(23, i64),
  unfinished: field(24, i32),
  unfinished_time: field(25, i64),
});

export const failureStruct = struct({
  key: field(1, text),
  action: field(2, text),
  fire_time: field(3, i64),
  attempts: field(4, i32),
  failed_at: field(5, i64),
  reason: field(6, text),
});

const scheduleFields = {
  key: field(1, text),
  second: field(2, i16),
  minute: field(3, i16, -1),
  hour: field(4, i16, -1),
  day: field(5, i16, -1),
  month: field(6, i16, -1),
  week: field(7, i16, -1),
};

const noFields = struct({});
const keyOnly = struct({ key: field(1, text) });
const planOrError = struct({ success: field(0, planStruct), err: field(1, errorStruct) });
const plans = struct({ success: field(0, listOf(planStruct)) });

const method = <A extends Fields, R extends Fields>(
  args: StructType<A>,
  result: StructType<R>,
): Method<A, R> => ({ args, result });

/** The service of forsun.thrift: of each method, the struct of its arguments and that of its answer. */
export const forsunService = {
  ping: method(noFields, struct({ success: field(0, i16) })),
  create: method(
    struct({
      ...scheduleFields,
      action: field(8, text, 'shell'),
      params: field(9, textMap, noParams),
    }),
    planOrError,
  ),
  createTimeout: method(
    struct({
      ...scheduleFields,
      count: field(8, i16, 1),
      action: field(9, text, 'shell'),
      params: field(10, textMap, noParams),
    }),
    planOrError,
  ),
  remove: method(keyOnly, planOrError),
  get: method(keyOnly, planOrError),
  getCurrent: method(noFields, plans),
  getTime: method(struct({ timestamp: field(1, i32) }), plans),
  getKeys: method(struct({ prefix: field(1, text) }), struct({ success: field(0, textList) })),
  forsun_call: method(
    struct({ key: field(1, text), ts: field(2, i32), params: field(3, textMap) }),
    noFields,
  ),
  info: method(noFields, struct({ success: field(0, textMap) })),
  getFailures: method(
    struct({ prefix: field(1, text), limit: field(2, i32, 10_000) }),
    struct({ success: field(0, listOf(failureStruct)) }),
  ),
  auth: method(
    struct({ token: field(1, text) }),
    struct({ success: field(0, text), err: field(1, errorStruct) }),
  ),
  listKeys: method(
    struct({
      prefix: field(1, text),
      after: field(2, text, ''),
      limit: field(3, i32, 1_000),
    }),
    struct({ success: field(0, textList), err: field(1, errorStruct) }),
  ),
  restore: method(
    struct({ plan: field(1, planStruct), only_if_absent: field(2, bool, false) }),
    planOrError,
  ),
} as const;

/** A method that answers with a plan, or with a declared refusal. */
export type PlanMethod<A extends Fields> = Method<A, (typeof planOrError)['fields']>;

export type ForsunService = typeof forsunService;
export type MethodName = keyof ForsunService;
