import Int64 from 'node-int64';

import { checked } from './checked.ts';
import { ForsunServerError } from './errors.ts';
import { generatedTypes, type Nullable, type WirePlan } from './generated.ts';
import { markedObject, unmarkedMap } from './param-safe-protocol.ts';

/** A plan as the server tells it. Times are seconds since the epoch; what is absent is unset or not known. */
export interface Plan {
  readonly key: string;
  /** `interval`: every so long, made by createTimeout; `calendar`: when the fields match, made by create. */
  readonly kind: 'interval' | 'calendar';
  readonly second?: number;
  readonly minute?: number;
  readonly hour?: number;
  readonly day?: number;
  readonly month?: number;
  readonly week?: number;
  /** Firings to make before the plan ends; 0 for ever. */
  readonly count: number;
  readonly firedCount: number;
  /** How the last ended attempt went: 0 none has ended yet, 1 done, -1 failed. */
  readonly status: number;
  readonly action: string;
  readonly params: ReadonlyMap<string, string>;
  readonly nextFireTime?: number;
  readonly lastFireTime?: number;
  readonly createdTime?: number;
  /** Firings under way. */
  readonly running?: number;
  /** In which a calendar plan is read. */
  readonly timezone?: string;
  /** The one in which a plan with all fields from second to month fires. */
  readonly year?: number;
  /** Firings of due times that have begun and not ended: running, parked, or to be tried again. */
  readonly unfinished?: number;
  /** The due time of the oldest of them. */
  readonly unfinishedTime?: number;
}

/** The plan of a reply; the optional 64-bit fields win over the saturating ones beside them. */
export function planOf(wire: Nullable<WirePlan>): Plan {
  if (wire.key == null) throw new ForsunServerError('the server sent a plan without a key');
  return {
    key: wire.key,
    kind: wire.is_time_out === true ? 'interval' : 'calendar',
    ...defined({
      second: setField(wire.second),
      minute: setField(wire.minute),
      hour: setField(wire.hour),
      day: setField(wire.day),
      month: setField(wire.month),
      week: setField(wire.week),
      nextFireTime: number(wire.next_fire_time) ?? wire.next_time ?? undefined,
      lastFireTime: number(wire.last_fire_time) ?? (wire.last_timeout || undefined),
      createdTime: number(wire.created_time),
      running: wire.running ?? undefined,
      timezone: wire.timezone ?? undefined,
      year: wire.year ?? undefined,
      unfinished: wire.unfinished ?? undefined,
      unfinishedTime: number(wire.unfinished_time),
    }),
    count: number(wire.total_count) ?? wire.count ?? 0,
    firedCount: number(wire.fired_count) ?? wire.current_count ?? 0,
    status: wire.status ?? 0,
    action: wire.action ?? 'shell',
    params: unmarkedMap(wire.params ?? {}),
  };
}

/** The plan to send, as planOf would read it. */
export function wirePlanOf(plan: Plan): WirePlan {
  const { timezone, year, unfinished } = plan;
  const given = {
    timezone: timezone === undefined ? undefined : checked.text('timezone', timezone),
    year: year === undefined ? undefined : checked.int('year', year),
    unfinished: unfinished === undefined ? undefined : checked.int('unfinished', unfinished),
    next_fire_time: int64('nextFireTime', plan.nextFireTime),
    last_fire_time: int64('lastFireTime', plan.lastFireTime),
    created_time: int64('createdTime', plan.createdTime),
    unfinished_time: int64('unfinishedTime', plan.unfinishedTime),
  };
  return new generatedTypes.ForsunPlan({
    is_time_out: plan.kind === 'interval',
    key: checked.text('key', plan.key),
    second: checked.field('second', plan.second),
    minute: checked.field('minute', plan.minute),
    hour: checked.field('hour', plan.hour),
    day: checked.field('day', plan.day),
    month: checked.field('month', plan.month),
    week: checked.field('week', plan.week),
    next_time: 0, // required; the field in 64 bits goes before, and without that this means none
    status: checked.field('status', plan.status),
    total_count: new Int64(checked.whole('count', plan.count)),
    fired_count: new Int64(checked.whole('firedCount', plan.firedCount)),
    action: checked.text('action', plan.action),
    params: wireParams(plan.params),
    ...defined(given),
  });
}

const int64 = (name: string, value: number | undefined): Int64 | undefined =>
  value === undefined ? undefined : new Int64(checked.whole(name, value));

/** Names and values as the generated code is to write them. */
export function wireParams(params: PlanParams = {}): Record<string, string> {
  const pairs = params instanceof Map ? [...params] : Object.entries(params);
  return markedObject(
    pairs.map(([name, value]) => [
      checked.text('a param name', name),
      checked.text(`param ${name}`, value),
    ]),
  );
}

export type PlanParams = Readonly<Record<string, string>> | ReadonlyMap<string, string>;

type Defined<T> = { readonly [name in keyof T]?: NonNullable<T[name]> };

const defined = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>;

const setField = (value: number | null | undefined): number | undefined =>
  value == null || value === -1 ? undefined : value;

const number = (value: Int64 | null | undefined): number | undefined =>
  value == null ? undefined : value.toNumber();
