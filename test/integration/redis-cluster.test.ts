import { expect, onTestFinished, test, vi } from 'vitest';

import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';
import { RedisCluster } from '../support/redis-cluster.ts';

vi.setConfig({ testTimeout: 60_000 });

test('two nodes on a Redis Cluster fire each plan once, whatever slot it is in', async () => {
  const sink = await HttpSink.open();
  const cluster = await RedisCluster.start();
  onTestFinished(() => cluster.stop());
  const addresses = cluster.addresses.map(({ port }) => `--driver-redis-cluster=127.0.0.1:${port}`);
  const start = async (): Promise<ForsundProcess> =>
    ForsundProcess.start({ store: await aStore(), args: ['--driver', 'redis', ...addresses] });
  const [one, other] = [(await start()).client(), (await start()).client()];

  const keys = Array.from({ length: 100 }, (_, n) => `plan-${String(n).padStart(3, '0')}`);
  const params = { url: sink.url() };
  for (const [n, key] of keys.entries()) {
    const plan = { key, second: 1 + (n % 3), count: 2, action: 'http', params };
    await (n % 2 === 0 ? one : other).createTimeout(plan);
  }
  await one.createTimeout({ key: 'removed', second: 3, action: 'http', params });
  await other.remove('removed');
  for (const key of keys) await sink.until(key, 2);
  for (const key of keys) {
    const hits = sink.of(key);
    expect(hits.map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(new Set(hits.map(({ fireId }) => fireId)).size).toBe(2);
  }
  expect(sink.of('removed')).toEqual([]);
  await eventuallyPasses(async () => expect(await one.getKeys()).toEqual([]));
});

test('keys and agenda of a Redis Cluster are in order, page by page', async () => {
  const cluster = await RedisCluster.start();
  onTestFinished(() => cluster.stop());
  const [{ port } = { port: 0 }] = cluster.addresses;
  const args = ['--driver', 'redis', `--driver-redis-cluster=127.0.0.1:${port}`];
  const client = (await ForsundProcess.start({ store: await aStore(), args })).client();
  const keys = Array.from({ length: 50 }, (_, n) => `k${String(n).padStart(2, '0')}`);
  const plan = { second: 1_000, action: 'http', params: { url: 'http://127.0.0.1:9/' } };
  for (const key of keys.toReversed()) await client.createTimeout({ ...plan, key });
  const listed: string[] = [];
  for (let after = ''; ;) {
    const page = await client.listKeys('k', after, 7);
    listed.push(...page);
    after = page.at(-1) ?? '';
    if (page.length < 7) break;
  }
  expect(listed).toEqual(keys);
});
