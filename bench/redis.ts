import { RedisServer } from '../test/support/redis-server.ts';
import { farPlan, measureCreates } from './creates.ts';
import { burstOn } from './burst.ts';
import type { Figure } from './figure.ts';
import { latenessOf } from './lateness.ts';
import { Load, scattered } from './load.ts';
import { dueLater } from './pending.ts';
import { ReceiverProcess } from './receiver-process.ts';
import { BenchServer, cpuSecondsOf } from './server.ts';

const depth = 16;
const inFlight = 16 * depth;
const slowMs = 5;

/** Creates of one node, beside SETs of the same bytes that ioredis sends, and beside a server that stores nothing. */
export async function redisCreates(): Promise<Figure[]> {
  const total = 100_000;
  const ours = await withRedis(async (redis) => {
    const server = await BenchServer.onRedis(redis.port);
    return measureCreates([server], depth, total, () => cpuSecondsOf(redis.pid));
  });
  const sets = await withRedis((redis) => measureSets(redis, total));
  const stock = await measureCreates([await BenchServer.stock()], depth, total);
  const what = `durable creates, 16 connections, ${depth} in flight each`;
  return [
    { what, ours: ours.perSecond, reference: sets.perSecond, unit: '/s' },
    {
      what: 'the same per second of CPU of Redis',
      ours: ours.perCpuSecondBeside,
      reference: sets.perCpuSecond,
      unit: '/CPU s',
    },
    {
      what: `${what}; reference: the stock server of thrift, no store`,
      ours: ours.perSecond,
      reference: stock.perSecond,
      unit: '/s',
    },
    {
      what: 'the same per second of CPU of the server; reference: as before',
      ours: ours.perCpuSecond,
      reference: stock.perCpuSecond,
      unit: '/CPU s',
    },
  ];
}

/** HTTP timers of two nodes. */
export const redisLateness = (): Promise<Figure[]> =>
  withRedis(async (redis) => latenessOf(await nodesOn(redis, 2)));

/** What one more node adds: creates, and firings of plans that are due in one second. */
export async function redisNodes(): Promise<Figure[]> {
  const creates: number[] = [];
  const firings: number[] = [];
  const wrong = { lost: 0, twice: 0, early: 0 };
  const burst = 20_000;
  for (const count of [1, 2, 3]) {
    const made = await withRedis(async (redis) =>
      measureCreates(await nodesOn(redis, count), depth, 50_000),
    );
    creates.push(made.perSecond);
    const receiver = await ReceiverProcess.start('thrift');
    const fired = await withRedis(async (redis) => {
      const nodes = await nodesOn(redis, count);
      return burstOn(nodes, 'thrift', burst, receiver).finally(() => killAll(nodes));
    });
    await receiver.stop();
    firings.push((1000 * fired.keys) / Math.max(...fired.lateMs));
    wrong.lost += burst - fired.keys;
    wrong.twice += fired.twice;
    wrong.early += fired.early;
  }
  return [
    ...beside('creates', creates),
    ...beside(`${burst.toLocaleString('en')} due in one second, thrift: claimed and run`, firings),
    ...Object.entries(wrong).map(([what, plans]) => ({ what, ours: plans, unit: 'plans' })),
  ];
}

/** Very many plans pending: what they take of Redis, and which scripts were slow. */
export async function redisMemory(total: number): Promise<Figure[]> {
  const orders = { 'in order': (n: number) => n, 'at random': scattered };
  const figures: Figure[] = [];
  for (const [name, place] of Object.entries(orders)) {
    const { bytes, slow, slowestMs } = await withRedis((redis) => fill(redis, total, place));
    const what = `${total.toLocaleString('en')} pending, keys ${name}`;
    figures.push(
      { what: `${what}: memory of Redis, each`, ours: bytes / total, unit: 'bytes' },
      { what: `commands that took more than ${slowMs} ms`, ours: slow, unit: 'commands' },
      { what: 'the slowest of them', ours: slowestMs, unit: 'ms' },
    );
  }
  return figures;
}

async function fill(redis: RedisServer, total: number, place: (n: number) => number) {
  const client = redis.client();
  const used = async (): Promise<number> =>
    Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
  const server = await BenchServer.onRedis(redis.port);
  const load = await Load.connect(server.port, 16);
  // What the connections and scripts take is no plan's.
  await load.create(inFlight, depth, dueLater, place);
  const before = await used();
  await load.create(total, depth, dueLater, place);
  load.close();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const bytes = (await used()) - before;
  const slow = await client.slowlog('LEN');
  const entries = (await client.slowlog('GET', -1)) as [number, number, number, ...unknown[]][];
  await server.kill('SIGTERM');
  const slowestMs = Math.max(0, ...entries.map(([, , micros]) => micros)) / 1000;
  return { bytes, slow: Number(slow), slowestMs };
}

/** SETs by ioredis alone, as many bytes and as many in flight as the creates have. */
async function measureSets(redis: RedisServer, total: number) {
  const client = redis.client();
  let next = 0;
  const set = async (until: number): Promise<void> => {
    while (next < until)
      await client.set(`order:${String(next++).padStart(12, '0')}`, farPlan.bytes);
  };
  const all = (until: number): Promise<unknown> =>
    Promise.all(Array.from({ length: inFlight }, () => set(until)));
  const warmUps = total / 5;
  await all(warmUps);
  const before = { cpu: cpuSecondsOf(redis.pid), ms: performance.now() };
  await all(warmUps + total);
  return {
    perSecond: (1000 * total) / (performance.now() - before.ms),
    perCpuSecond: total / (cpuSecondsOf(redis.pid) - before.cpu),
  };
}

const nodesOn = (redis: RedisServer, count: number): Promise<BenchServer[]> =>
  Promise.all(Array.from({ length: count }, () => BenchServer.onRedis(redis.port)));

const killAll = (servers: readonly BenchServer[]): Promise<unknown> =>
  Promise.all(servers.map((server) => server.kill('SIGKILL')));

/** Figures of 1, 2, … nodes; each beside that of one. */
const beside = (what: string, figures: readonly number[]): Figure[] =>
  figures.map((ours, index) => ({
    what: index === 0 ? `${what}, 1 node` : `${index + 1} nodes`,
    ours,
    ...(index === 0 ? {} : { reference: figures[0] ?? NaN }),
    unit: '/s',
  }));

/** A Redis of its own, that has each change on disk within a second. */
async function withRedis<T>(use: (redis: RedisServer) => Promise<T>): Promise<T> {
  const slowlog = [
    '--slowlog-log-slower-than',
    String(1000 * slowMs),
    '--slowlog-max-len',
    '10000',
  ];
  const redis = await RedisServer.start({
    args: ['--appendonly', 'yes', '--appendfsync', 'everysec', ...slowlog],
  });
  try {
    return await use(redis);
  } finally {
    await redis.stop();
  }
}
