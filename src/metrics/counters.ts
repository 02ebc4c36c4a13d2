import type { ErrorCode } from '../core/errors.ts';

/** What a door counts of its connections and requests. */
export type DoorCounter =
  | 'connecting_count'
  | 'connected_count'
  | 'requesting_count'
  | 'requested_count'
  | 'requested_error_count';

/** Everything that is counted, by the name `info` shows it under where forsun has one. */
export type CounterName =
  // Doors: the first five of Thrift, those of the HTTP bridge, and what is of both.
  | DoorCounter
  | `http_${DoorCounter}`
  | 'connections_refused_count'
  | 'protocol_errors_count'
  | `refused_${ErrorCode}_count`
  | 'tokens_refused_count'
  | 'browsers_refused_count'
  // Plans.
  | 'created_count'
  | 'create_timeouted_count'
  | 'removed_count'
  | 'restored_count'
  | 'triggered_count'
  // Firings.
  | 'timeout_handling_count'
  | 'timeout_handled_count'
  | 'action_executing_count'
  | 'action_executed_count'
  | 'action_executed_error_count'
  | 'action_retried_count'
  | 'misfired_count'
  | 'merged_count'
  | 'skipped_count'
  | 'parked_count'
  | 'unparked_count'
  | 'given_up_count'
  | 'late_count'
  // The clockwork.
  | 'timer_loop_count'
  | 'timer_loop_ready_error_count'
  | 'store_error_count';

/** Plain numbers since the process started; `_ing` names go up and down. */
export class Counters {
  readonly #values = new Map<CounterName, number>();

  add(name: CounterName, by = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + by);
  }

  value(name: CounterName): number {
    return this.#values.get(name) ?? 0;
  }
}
