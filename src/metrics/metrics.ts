import type { Counters } from './counters.ts';
import { doorMetrics } from './door-metrics.ts';
import { firingMetrics, loadMetrics } from './firing-metrics.ts';
import type { InfoFacts } from './info.ts';
import type { Measures } from './measures.ts';
import { counter, gauge, histogram, labelled, type Metric } from './metric.ts';
import { processMetrics } from './process-metrics.ts';
import type { Readiness } from './readiness.ts';

/** Where the metrics come from. */
export interface MetricSources {
  readonly counters: Counters;
  readonly measures: Measures;
  readonly facts: () => Pick<InfoFacts, 'version' | 'startTime' | 'planCount' | 'load'>;
  readonly readiness: () => Readiness;
}

/** Every metric there is, as docs/metrics.md lists them. Labels have few values: no key, no address. */
export function metricsOf(sources: MetricSources): readonly Metric[] {
  const { counters, measures, facts } = sources;
  const { version, startTime } = facts();
  return [
    buildInfo({ version, node_version: process.versions.node }),
    ...planMetrics(sources),
    ...firingMetrics(measures, counters),
    ...loadMetrics(() => facts().load, counters),
    ...clockworkMetrics(sources),
    ...storeMetrics(sources),
    ...doorMetrics(counters),
    ...processMetrics(startTime),
  ];
}

const buildInfo = (labels: Readonly<Record<string, string>>): Metric => ({
  type: 'gauge',
  name: 'forsun_build_info',
  help: 'Always 1; its labels tell the versions.',
  labels: Object.keys(labels),
  read: () => [{ labels, value: 1 }],
});

const planMetrics = ({ counters, facts }: MetricSources): readonly Metric[] => [
  gauge('forsun_plans', 'Plans in the store.', () => facts().planCount),
  labelled('counter', 'forsun_plan_creates_total', 'Plans made or replaced.', 'kind', [
    ['calendar', () => counters.value('created_count')],
    ['interval', () => counters.value('create_timeouted_count')],
  ]),
  counter('forsun_plan_removes_total', 'Plans removed by clients.', () =>
    counters.value('removed_count'),
  ),
  counter('forsun_plan_restores_total', 'Plans restored as they stood elsewhere.', () =>
    counters.value('restored_count'),
  ),
  counter('forsun_plan_triggers_total', 'Firings that clients asked for.', () =>
    counters.value('triggered_count'),
  ),
];

const clockworkMetrics = ({ counters, measures, readiness }: MetricSources): readonly Metric[] => [
  gauge('forsun_ready', '1 while /readyz says so, else 0.', () => Number(readiness().ready)),
  counter('forsun_ticks_total', 'New seconds heard by the clockwork.', () =>
    counters.value('timer_loop_count'),
  ),
  gauge(
    'forsun_claim_lag_seconds',
    'Since all that was due had been taken up.',
    () => readiness().checks.due.seconds ?? NaN,
  ),
  counter('forsun_claim_errors_total', 'Times that what was due could not be taken up.', () =>
    counters.value('timer_loop_ready_error_count'),
  ),
  histogram(
    'forsun_event_loop_lag_seconds',
    'By how much the event loop is late for a timer that comes ten times a second.',
    measures.loopLag,
  ),
];

const storeMetrics = ({ counters, measures, readiness }: MetricSources): readonly Metric[] => [
  gauge('forsun_store_writable', '1 while the store takes changes, else 0.', () =>
    Number(readiness().checks.store.ok),
  ),
  histogram(
    'forsun_store_commit_duration_seconds',
    'How long it took to write a group of changes.',
    measures.commit,
  ),
  counter('forsun_store_errors_total', 'Times that the store failed.', () =>
    counters.value('store_error_count'),
  ),
];
