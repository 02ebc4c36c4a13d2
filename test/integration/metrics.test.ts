import { join } from 'node:path';

import { describe, expect, test, vi } from 'vitest';

import type { ForsunClient } from '../../src/client/forsun-client.ts';
import type { Readiness } from '../../src/metrics/readiness.ts';
import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';
import { mayNotMount } from '../support/may-not-mount.ts';
import { parsePrometheus } from '../support/prometheus.ts';
import { aSmallDisk } from '../support/small-disk.ts';

vi.setConfig({ testTimeout: 120_000 });

/** The bridge of a server, by its address. */
async function bridgeOf(client: ForsunClient): Promise<string> {
  const info = await client.info();
  return `http://${info.get('http_bind_port') ?? ''}`;
}

/** What the page has now, by name and labels. */
async function scrape(bridge: string): Promise<(sample: string) => number | undefined> {
  const response = await fetch(`${bridge}/metrics`);
  expect(response.status).toBe(200);
  const metrics = parsePrometheus(await response.text());
  const samples = new Map([...metrics.values()].flatMap(({ samples }) => [...samples]));
  return (sample) => samples.get(sample);
}

const refusedBy = async (url: string): Promise<number> => (await fetch(url)).status;

test('the metrics tell what a server has done: created, fired, failed, tried again, refused', async () => {
  const sink = await HttpSink.open();
  let answers = 0;
  sink.answer = ({ url }) =>
    url === '/again' && answers++ === 0 ? 503 : url === '/no' ? 404 : 200;
  const args = ['--http', '127.0.0.1:0', '--action-retry-delay-seconds', '0'];
  const forsund = await ForsundProcess.start({ store: await aStore(), args });
  const client = forsund.client();
  const bridge = await bridgeOf(client);

  for (const path of ['/yes', '/again', '/no']) {
    const params = { url: sink.url(path) };
    await client.createTimeout({ key: path, second: 1, action: 'http', params });
  }
  await client.create({
    key: 'far',
    month: 1,
    day: 1,
    action: 'http',
    params: { url: sink.url() },
  });
  await client.remove('far');
  await expect(client.get('far')).rejects.toThrow();
  await expect(client.remove('far')).rejects.toThrow();

  const of = await eventuallyPasses(async () => {
    const now = await scrape(bridge);
    expect(now('forsun_firings_total{action="http",outcome="done"}')).toBe(2);
    expect(now('forsun_firings_total{action="http",outcome="failed"}')).toBe(1);
    expect(now('forsun_firings_in_flight')).toBe(0);
    return now;
  });
  expect(of('forsun_retries_total{action="http"}')).toBe(1);
  expect(of('forsun_firing_lateness_seconds_count')).toBe(3);
  expect(of('forsun_run_duration_seconds_count{action="http"}')).toBe(4);
  expect(of('forsun_run_duration_seconds_bucket{action="http",le="+Inf"}')).toBe(4);
  expect(of('forsun_plan_creates_total{kind="interval"}')).toBe(3);
  expect(of('forsun_plan_creates_total{kind="calendar"}')).toBe(1);
  expect(of('forsun_plan_removes_total')).toBe(1);
  expect(of('forsun_plans')).toBe(0);
  expect(of('forsun_refusals_total{reason="plan_not_found"}')).toBe(2);
  expect(of('forsun_request_errors_total{door="thrift"}')).toBe(2);
  expect(of('forsun_connections{door="thrift"}')).toBe(1);
  expect(of('forsun_connections{door="http"}')).toBeGreaterThan(0);
  expect(of('forsun_ready')).toBe(1);
  expect(of('forsun_store_commit_duration_seconds_count')).toBeGreaterThan(5);
  expect(of('forsun_event_loop_lag_seconds_count')).toBeGreaterThan(0);
  expect(of('process_cpu_seconds_total')).toBeGreaterThan(0);
  expect(of('process_open_fds')).toBeGreaterThan(5);

  expect(await refusedBy(`${bridge}/v1/plan?key=gone`)).toBe(200);
  expect(await refusedBy(`${bridge}/v2/plans/gone`)).toBe(404);
  const after = await scrape(bridge);
  expect(after('forsun_refusals_total{reason="plan_not_found"}')).toBe(4);

  // What Prometheus shows is what info shows.
  const info = await client.info();
  expect(Number(info.get('action_executed_count'))).toBe(
    of('forsun_run_duration_seconds_count{action="http"}'),
  );
  expect(Number(info.get('action_retried_count'))).toBe(of('forsun_retries_total{action="http"}'));
});

describe.skipIf(mayNotMount)('on a full disk', () => {
  test('a server is alive and not ready, and ready again once there is room', async () => {
    const disk = await aSmallDisk(24);
    const store = join(disk.directory, 'store');
    const args = ['--http', '127.0.0.1:0', '--store-mem-reserve', '2M'];
    const forsund = await ForsundProcess.start({ store, args });
    const client = forsund.client();
    const bridge = await bridgeOf(client);
    const statusOf = async (page: string): Promise<number> =>
      (await fetch(`${bridge}${page}`)).status;
    await eventuallyPasses(async () => expect(await statusOf('/readyz')).toBe(200));

    await disk.fill();
    await eventuallyPasses(async () => {
      await client.createTimeout({ key: 'k', second: 600, params: { cmd: 'true' } }).catch(() => 0);
      const response = await fetch(`${bridge}/readyz`);
      expect(response.status).toBe(503);
      const { ready, checks } = (await response.json()) as Readiness;
      expect({ ready, checks }).toMatchObject({
        ready: false,
        checks: { store: { ok: false, reason: 'the disk is full' }, clock: { ok: true } },
      });
    });
    expect(await statusOf('/healthz')).toBe(200);
    const of = await scrape(bridge);
    expect([of('forsun_ready'), of('forsun_store_writable')]).toEqual([0, 0]);

    await disk.empty();
    await eventuallyPasses(async () => expect(await statusOf('/readyz')).toBe(200));
  });
});
