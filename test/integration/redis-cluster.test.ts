import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';

import { expect, onTestFinished, test, vi } from 'vitest';

import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { everyWriteOnDisk, leaseSeconds } from '../support/redis-nodes.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Of a cluster, unless told. */
const partitions = 16;

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

test('a lost node of a Redis Cluster holds up the plans it has, and no others', async () => {
  const sink = await HttpSink.open();
  const partial = ['--cluster-require-full-coverage', 'no'];
  const cluster = await RedisCluster.start(3, [...everyWriteOnDisk, ...partial]);
  onTestFinished(() => cluster.stop());
  const [{ port } = { port: 0 }] = cluster.addresses;
  const args = ['--driver', 'redis', `--driver-redis-cluster=127.0.0.1:${port}`];
  const client = (await ForsundProcess.start({ store: await aStore(), args })).client();
  const nodeOfPartition = await Promise.all(
    Array.from({ length: partitions }, (_, n) => cluster.nodeOf(`{forsun:0:${n}}:`)),
  );
  const isLost = (key: string): boolean => nodeOfPartition[crc32(key) % partitions] === 2;

  const keys = Array.from({ length: 100 }, (_, n) => `plan-${n}`);
  const params = { url: sink.url() };
  const make = (key: string, second: number) =>
    client.createTimeout({ key, second, count: 1, action: 'http', params });
  for (const [n, key] of keys.entries()) await make(key, 4 + (n % 4));
  await cluster.nodes[2]!.kill();
  const [lost, sound] = [keys.filter(isLost), keys.filter((key) => !isLost(key))];
  for (const key of sound) await sink.until(key, 1);
  // What is made meanwhile fires as well, if its place is there.
  const late = sound.map((key) => `late-${key}`).filter((key) => !isLost(key));
  await Promise.all(late.map((key) => make(key, 1)));
  for (const key of late) await sink.until(key, 1);
  expect(sink.hits.filter(({ key }) => isLost(key))).toEqual([]);

  await cluster.nodes[2]!.restart();
  for (const key of lost) await sink.until(key, 1);
  expect(sink.hits).toHaveLength(keys.length + late.length);
});

test('a node of a Redis Cluster that stops for longer than a lease has no run of other nodes run again', async () => {
  const sink = await HttpSink.open();
  const cluster = await RedisCluster.start(3, ['--cluster-require-full-coverage', 'no']);
  onTestFinished(() => cluster.stop());
  const [{ port } = { port: 0 }] = cluster.addresses;
  const lease = ['--driver-redis-lease-seconds', String(leaseSeconds)];
  const args = ['--driver', 'redis', `--driver-redis-cluster=127.0.0.1:${port}`, ...lease];
  const forsund = await ForsundProcess.start({ store: await aStore(), args });
  const client = forsund.client();
  const nodeOfPartition = await Promise.all(
    Array.from({ length: partitions }, (_, n) => cluster.nodeOf(`{forsun:0:${n}}:`)),
  );
  const isLost = (key: string): boolean => nodeOfPartition[crc32(key) % partitions] === 2;
  const keys = Array.from({ length: 12 }, (_, n) => `plan-${n}`);
  const [lost, sound] = [keys.filter(isLost), keys.filter((key) => !isLost(key))];
  let open: () => void = () => undefined;
  const opened = new Promise<number>((resolve) => (open = () => resolve(200)));
  sink.answer = () => opened;
  const params = { url: sink.url() };
  for (const key of keys) await client.createTimeout({ key, second: 1, action: 'http', params });
  for (const key of keys) await sink.until(key, 1);

  cluster.nodes[2]!.signal('SIGSTOP');
  await sleep((leaseSeconds + 1) * 1_000);
  cluster.nodes[2]!.signal('SIGCONT');
  for (const key of lost) await sink.until(key, 2);
  open();
  await eventuallyPasses(async () => expect(await client.getKeys()).toEqual([]));
  for (const key of sound) expect(sink.of(key).map(({ attempt }) => attempt)).toEqual([1]);
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
