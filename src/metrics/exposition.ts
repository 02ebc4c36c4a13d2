import { Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { Observed } from './buckets.ts';
import type { Metric, Sample } from './metric.ts';

/** Metrics as Prometheus reads them. */
export class Exposition {
  readonly #registry = new Registry();

  constructor(metrics: readonly Metric[]) {
    for (const metric of metrics) this.#registry.registerMetric(registered(metric));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

function registered(metric: Metric): Counter | Gauge | Histogram {
  const { name, help, labels: labelNames } = metric;
  const described = { name, help, labelNames, registers: [] };
  switch (metric.type) {
    case 'counter':
      return new Counter({
        ...described,
        collect() {
          this.reset();
          for (const { labels = {}, value } of metric.read()) this.inc(labels, value);
        },
      });
    case 'gauge':
      return new Gauge({
        ...described,
        collect() {
          this.reset();
          for (const { labels = {}, value } of metric.read()) this.set(labels, value);
        },
      });
    case 'histogram':
      return new ReadHistogram(metric);
    default:
      return metric satisfies never;
  }
}

/** A histogram that is counted elsewhere. prom-client's own can be observed only, value by value. */
class ReadHistogram extends Histogram {
  readonly #metric: Extract<Metric, { type: 'histogram' }>;

  constructor(metric: Extract<Metric, { type: 'histogram' }>) {
    const { name, help, labels: labelNames } = metric;
    super({ name, help, labelNames, registers: [] });
    this.#metric = metric;
  }

  /** What a registry makes its lines from. */
  getForPromString(): object {
    const { name, help, type, read } = this.#metric;
    return { name, help, type, values: [...read()].flatMap((sample) => linesOf(name, sample)) };
  }
}

const linesOf = (
  name: string,
  { labels = {}, value: { upTo, count, sum } }: Sample<Observed>,
): readonly object[] => [
  ...[...upTo, ['+Inf', count] as const].map(([le, value]) => ({
    metricName: `${name}_bucket`,
    labels: { ...labels, le },
    value,
  })),
  { metricName: `${name}_sum`, labels, value: sum },
  { metricName: `${name}_count`, labels, value: count },
];
