import type Int64 from 'node-int64';

import { ForsunServerError } from './errors.ts';
import type { Nullable, WirePlan } from './generated.ts';
import { unmarkedMap } from './param-safe-protocol.ts';

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
}

/** The plan of a reply; the optional 64-bit fields win over the saturating ones beside them. */
export function planOf(wire: Nullable<WirePlan>): Plan {
  if (wire.key == null) throw new ForsunServerError('the server sent a plan without a key');
  return {
    key: wire.key,
    kind: wire.is_time_out === true ? 'interval' : 'calendar',
    ...given({
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
    }),
    count: wire.count ?? 0,
    firedCount: number(wire.fired_count) ?? wire.current_count ?? 0,
    status: wire.status ?? 0,
    action: wire.action ?? 'shell',
    params: unmarkedMap(wire.params ?? {}),
  };
}

type Given<T> = { readonly [name in keyof T]?: NonNullable<T[name]> };

const given = <T extends object>(fields: T): Given<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;

const setField = (value: number | null | undefined): number | undefined =>
  value == null || value === -1 ? undefined : value;

const number = (value: Int64 | null | undefined): number | undefined =>
  value == null ? undefined : value.toNumber();
