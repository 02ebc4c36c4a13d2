import type { CounterName, Counters, DoorCounter } from './counters.ts';
import { virtualMemoryBytes } from './proc.ts';

/** What `info` tells beside the counters. */
export interface InfoFacts {
  readonly version: string;
  readonly startTime: number;
  readonly currentTime: number;
  readonly stores: readonly string[];
  readonly currentStore: string;
  readonly actions: readonly string[];
  readonly bindAddress: string;
  readonly httpBindAddress: string;
  readonly extensions: readonly string[];
  readonly planCount: number;
  readonly load: FiringLoad;
  /** By the name each is shown under. */
  readonly limits: ReadonlyMap<string, string>;
}

/** How much waits for its target just now. */
export interface FiringLoad {
  /** Firings that wait in memory. */
  readonly queued: number;
  /** Targets for which firings wait in the store, as far as is known. */
  readonly parkedTargets: number;
  /** Targets of which runs are under way and none has ended for a while. */
  readonly stalledTargets: number;
}

const doorCounters: readonly DoorCounter[] = [
  'connecting_count',
  'connected_count',
  'requesting_count',
  'requested_count',
  'requested_error_count',
];

const firingCounters: readonly CounterName[] = [
  'timeout_handling_count',
  'timeout_handled_count',
  'action_executing_count',
  'action_executed_count',
  'action_executed_error_count',
  'action_retried_count',
  'timer_loop_count',
  'timer_loop_ready_error_count',
];

/** Counters that forsun does not have, behind all of its keys. */
const ownCounters: readonly CounterName[] = [
  'restored_count',
  'triggered_count',
  'late_count',
  'misfired_count',
  'merged_count',
  'skipped_count',
  'parked_count',
  'unparked_count',
  'given_up_count',
  'store_error_count',
  'connections_refused_count',
  'protocol_errors_count',
  'tokens_refused_count',
  'browsers_refused_count',
];

/** The answer of `info`: forsun's keys in forsun's order, then ours; every value is a string. */
export function infoOf(facts: InfoFacts, counters: Counters): ReadonlyMap<string, string> {
  const { user, system } = process.cpuUsage();
  const { rss } = process.memoryUsage();
  const count = (name: CounterName): [string, string] => [name, String(counters.value(name))];
  return new Map<string, string>([
    // forsun's own command line reads this key and dies without it.
    ['python_version', ''],
    ['forsun_version', facts.version],
    ['start_time', String(facts.startTime)],
    ['cpu_user', String(user / 1e6)],
    ['cpu_system', String(system / 1e6)],
    ['mem_rss', String(rss)],
    ['mem_vms', String(virtualMemoryBytes())],
    ['current_time', String(facts.currentTime)],
    ['stores', facts.stores.join(';')],
    ['current_store', facts.currentStore],
    ['actions', facts.actions.join(';')],
    ['bind_port', facts.bindAddress],
    ['http_bind_port', facts.httpBindAddress],
    ['extensions', facts.extensions.join(';')],
    ...doorCounters.map(count),
    ...doorCounters.map((name) => count(`http_${name}`)),
    count('created_count'),
    count('create_timeouted_count'),
    count('removed_count'),
    ['plan_count', String(facts.planCount)],
    ...firingCounters.map(count),
    ...ownCounters.map(count),
    ['queued_count', String(facts.load.queued)],
    ['parked_targets_count', String(facts.load.parkedTargets)],
    ['stalled_targets_count', String(facts.load.stalledTargets)],
    ['node_version', process.versions.node],
    ...facts.limits,
  ]);
}
