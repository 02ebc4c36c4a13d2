import { setTimeout as sleep } from 'node:timers/promises';

import { expect, onTestFinished, test, vi } from 'vitest';

import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';
import { aRedis, everyWriteOnDisk, leaseSeconds } from '../support/redis-nodes.ts';
import { RedisServer } from '../support/redis-server.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

vi.setConfig({ testTimeout: 120_000 });

/** For so long the replica gets nothing of what the primary acknowledges. */
const behindMs = 1_000;

test('a failover loses what the replica had not been sent, and nothing that is older', async ({
  annotate,
}) => {
  const sink = await HttpSink.open();
  const { primary, replica, sentinel } = await aWatchedPair();
  const started = [0, 1].map(() => aNodeOf(sentinel.port));
  const [one, two] = (await Promise.all(started)).map((node) => node.client());
  const params = { url: sink.url() };
  const every = { key: 'every', second: 1, count: 0, action: 'http', params };
  await one!.createTimeout(every);
  await sink.until('every', 1);

  // Sentinels would put the replica back to the primary itself, some seconds later.
  const proxy = await TcpProxy.open(primary.port);
  await replica.client().replicaof('127.0.0.1', proxy.port);
  await eventuallyPasses(async () => {
    expect(await replica.client().info('replication')).toContain('master_link_status:up');
  });

  const acknowledged: { readonly key: string; readonly atMs: number }[] = [];
  const load = new AbortController();
  const loaded = (async () => {
    for (let n = 0; !load.signal.aborted; n++) {
      const key = `k/${n}`;
      const plan = { key, second: 3_600, action: 'http', params };
      await (n % 2 === 0 ? one! : two!).createTimeout(plan).then(
        () => acknowledged.push({ key, atMs: Date.now() }),
        () => undefined,
      );
      await sleep(10);
    }
  })();
  await sleep(1_500);
  const behindFromMs = Date.now();
  proxy.onReply = () => 'is_lost';
  await sleep(behindMs);
  await primary.kill();
  const killedMs = Date.now();
  await eventuallyPasses(() => expect(acknowledged.at(-1)!.atMs).toBeGreaterThan(killedMs));
  const returnedMs = Date.now();
  await sleep(1_000);
  load.abort();
  await loaded;

  const kept = new Set(await two!.getKeys());
  const lost = acknowledged.filter(({ key }) => !kept.has(key));
  await annotate(
    `${lost.length} of ${acknowledged.length} plans lost, ${returnedMs - killedMs} ms without changes`,
  );
  expect(acknowledged.some(({ atMs }) => atMs < behindFromMs)).toBe(true);
  // What the replica had not been sent by then was under way for half a second at the most.
  expect(lost.filter(({ atMs }) => atMs < behindFromMs - 500 || atMs > killedMs)).toEqual([]);
  const count = sink.of('every').length;
  await sink.until('every', count + 2);
  const doubled = sink
    .of('every')
    .filter(({ fireTime }, at, all) => all.findIndex((hit) => hit.fireTime === fireTime) < at)
    .filter(({ fireTime }) => fireTime * 1000 < behindFromMs - 1_000);
  expect(doubled).toEqual([]);
});

const aNodeOf = async (port: number): Promise<ForsundProcess> =>
  ForsundProcess.start({
    store: await aStore(),
    args: [
      ...['--driver', 'redis', '--driver-redis-sentinel', `127.0.0.1:${port}`],
      ...['--driver-redis-master', 'main'],
      ...['--driver-redis-lease-seconds', String(leaseSeconds)],
    ],
  });

/** A primary with its replica, and a sentinel that watches them as `main`. */
async function aWatchedPair() {
  const primary = await aRedis({ args: everyWriteOnDisk });
  const link = [
    '--replicaof',
    '127.0.0.1',
    String(primary.port),
    '--repl-diskless-sync-delay',
    '0',
  ];
  const replica = await aRedis({ args: [...everyWriteOnDisk, ...link] });
  const sentinel = await RedisServer.start({
    config: [
      `sentinel monitor main 127.0.0.1 ${primary.port} 1`,
      'sentinel down-after-milliseconds main 1500',
      'sentinel failover-timeout main 3000',
    ],
    args: ['--sentinel'],
  });
  onTestFinished(() => sentinel.stop());
  const admin = sentinel.client();
  await eventuallyPasses(async () => {
    expect(await admin.call('SENTINEL', 'replicas', 'main')).toHaveLength(1);
    expect(await primary.client().info('replication')).toMatch(/slave0:.*state=online/);
  });
  return { primary, replica, sentinel };
}
