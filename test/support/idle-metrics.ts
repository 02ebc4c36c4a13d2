import { Counters } from '../../src/metrics/counters.ts';
import { Measures } from '../../src/metrics/measures.ts';
import type { MetricSources } from '../../src/metrics/metrics.ts';
import { readinessOf } from '../../src/metrics/readiness.ts';

/** Where the metrics of a server that has done nothing yet come from. */
export const idleSources = (): MetricSources => ({
  counters: new Counters(),
  measures: new Measures(),
  facts: () => ({
    version: '0.1.0',
    startTime: 1_700_000_000,
    planCount: 0,
    load: { queued: 0, parkedTargets: 0, stalledTargets: 0 },
  }),
  readiness: () =>
    readinessOf(
      { storeTrouble: undefined, tickAgeSeconds: 0, claimLagSeconds: 0, loopLagSeconds: 0 },
      10,
    ),
});
