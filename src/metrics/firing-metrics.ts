import type { Observed } from './buckets.ts';
import type { Counters } from './counters.ts';
import type { FiringLoad } from './info.ts';
import type { ActionMeasures, Measures } from './measures.ts';
import { counter, gauge, histogram, labelled, type Metric, type Sample } from './metric.ts';

/** What becomes of firings, how late they start and how long they run. */
export function firingMetrics(measures: Measures, counters: Counters): readonly Metric[] {
  return [
    {
      type: 'counter',
      name: 'forsun_firings_total',
      help: 'Firings that ended, by action and outcome.',
      labels: ['action', 'outcome'],
      read: () =>
        [...measures.actions()].flatMap(([action, { done, failed }]) => [
          { labels: { action, outcome: 'done' }, value: done },
          { labels: { action, outcome: 'failed' }, value: failed },
        ]),
    },
    {
      type: 'counter',
      name: 'forsun_retries_total',
      help: 'Attempts that another one follows, by action.',
      labels: ['action'],
      read: () => perAction(measures, ({ retried }) => retried),
    },
    histogram(
      'forsun_firing_lateness_seconds',
      'From the due second of a firing to the start of its first attempt.',
      measures.lateness,
    ),
    {
      type: 'histogram',
      name: 'forsun_run_duration_seconds',
      help: 'How long an attempt ran, by action.',
      labels: ['action'],
      read: () => perAction<Observed>(measures, ({ runSeconds }) => runSeconds.observed()),
    },
    labelled(
      'counter',
      'forsun_due_times_missed_total',
      'Due times that were missed, by what became of them.',
      'fate',
      [
        ['fired', () => counters.value('misfired_count')],
        ['merged', () => counters.value('merged_count')],
        ['skipped', () => counters.value('skipped_count')],
      ],
    ),
    counter('forsun_firings_given_up_total', 'Firings given up after crashes.', () =>
      counters.value('given_up_count'),
    ),
  ];
}

/** What is in hand, and what waits for its target. */
export function loadMetrics(load: () => FiringLoad, counters: Counters): readonly Metric[] {
  return [
    gauge('forsun_firings_in_flight', 'Firings in hand: waiting, running or being settled.', () =>
      counters.value('timeout_handling_count'),
    ),
    gauge('forsun_runs_in_progress', 'Attempts that run.', () =>
      counters.value('action_executing_count'),
    ),
    gauge(
      'forsun_firings_queued',
      'Firings that wait in memory for their target.',
      () => load().queued,
    ),
    gauge(
      'forsun_parked_targets',
      'Targets for which firings wait in the store, as far as is known.',
      () => load().parkedTargets,
    ),
    gauge(
      'forsun_stalled_targets',
      'Targets of which runs are under way and none ends.',
      () => load().stalledTargets,
    ),
    counter('forsun_firings_parked_total', 'Firings put into the store to wait there.', () =>
      counters.value('parked_count'),
    ),
    counter('forsun_firings_unparked_total', 'Firings taken up from there again.', () =>
      counters.value('unparked_count'),
    ),
  ];
}

const perAction = <T>(measures: Measures, of: (one: ActionMeasures) => T): readonly Sample<T>[] =>
  [...measures.actions()].map(([action, one]) => ({ labels: { action }, value: of(one) }));
