import { expect, test } from 'vitest';

import { Exposition } from '../../src/metrics/exposition.ts';
import { metricsOf } from '../../src/metrics/metrics.ts';
import { idleSources } from '../support/idle-metrics.ts';
import { parsePrometheus, sampleOf } from '../support/prometheus.ts';

test('the page of an idle server is as the text format has it, every metric with type and help', async () => {
  const metrics = metricsOf(idleSources());
  const parsed = parsePrometheus(await new Exposition(metrics).text());
  expect([...parsed].map(([name, { type, help }]) => ({ name, type, help }))).toEqual(
    metrics.map(({ name, type, help }) => ({ name, type, help })),
  );
});

test('names and units are as Prometheus wants them', () => {
  for (const { name, type, help } of metricsOf(idleSources())) {
    expect(name).toMatch(/^(forsun|process|nodejs)_[a-z_]+$/);
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|kb|mb|count|sum|bucket|info_total)$/);
    expect(help).toMatch(/^[A-Z1].*\.$/);
  }
});

test('a counter shows what was counted, with the label that tells it apart', async () => {
  const sources = idleSources();
  const page = new Exposition(metricsOf(sources));
  sources.counters.add('created_count', 3);
  sources.counters.add('http_connecting_count', 2);
  sources.counters.add('refused_never_fires_count');
  const text = await page.text();
  expect(sampleOf(text, 'forsun_plan_creates_total{kind="calendar"}')).toBe(3);
  expect(sampleOf(text, 'forsun_plan_creates_total{kind="interval"}')).toBe(0);
  expect(sampleOf(text, 'forsun_connections{door="http"}')).toBe(2);
  expect(sampleOf(text, 'forsun_refusals_total{reason="never_fires"}')).toBe(1);
});

test('a histogram shows how many were at most each bound, how many there were, and their sum', async () => {
  const sources = idleSources();
  for (const seconds of [0.004, 0.2, 99_999]) {
    sources.measures.ofAction('http').runSeconds.observe(seconds);
  }
  const text = await new Exposition(metricsOf(sources)).text();
  const of = (part: string, le?: string): number | undefined =>
    sampleOf(
      text,
      `forsun_run_duration_seconds${part}{action="http"${le === undefined ? '' : `,le="${le}"`}}`,
    );
  expect(of('_bucket', '0.0025')).toBe(0);
  expect(of('_bucket', '0.005')).toBe(1);
  expect(of('_bucket', '300')).toBe(2);
  expect(of('_bucket', '+Inf')).toBe(3);
  expect(of('_count')).toBe(3);
  expect(of('_sum')).toBeCloseTo(99_999.204);
});

test('a second page adds nothing to the first', async () => {
  const sources = idleSources();
  sources.counters.add('removed_count', 7);
  sources.measures.commit.observe(0.01);
  const page = new Exposition(metricsOf(sources));
  await page.text();
  const again = await page.text();
  expect(sampleOf(again, 'forsun_plan_removes_total')).toBe(7);
  expect(sampleOf(again, 'forsun_store_commit_duration_seconds_count')).toBe(1);
});

test('a label of any text is escaped', async () => {
  const sources = idleSources();
  sources.measures.ofAction('a"b\\c\nd').done += 1;
  const text = await new Exposition(metricsOf(sources)).text();
  expect(sampleOf(text, 'forsun_firings_total{action="a\\"b\\\\c\\nd",outcome="done"}')).toBe(1);
});
