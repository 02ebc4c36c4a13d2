import { burst } from './burst.ts';
import { creates } from './creates.ts';
import { type Figure, printTable } from './figure.ts';
import { lateness } from './lateness.ts';
import { run as nextFireTime } from './next-fire-time.ts';
import { pending } from './pending.ts';
import { redisCreates, redisLateness, redisMemory, redisNodes } from './redis.ts';
import { sickTarget } from './sick-target.ts';

interface Bench {
  readonly title: string;
  readonly reference: string;
  readonly run: () => Promise<Figure[]>;
}

const manyPlans = Number(process.env['FORSUN_BENCH_PLANS'] ?? 1_000_000);

const benches: Readonly<Record<string, Bench>> = {
  creates: {
    title: 'Creates over Thrift, fsync before the reply',
    reference: "thrift's stock server, no store",
    run: creates,
  },
  lateness: {
    title: '10,000 HTTP timers over 60 s, 167 at once',
    reference: 'undici alone, the same bursts',
    run: lateness,
  },
  burst: {
    title: 'Very many due in one second',
    reference: 'the same callbacks, made bare',
    run: burst,
  },
  'sick-target': {
    title: 'Healthy plans beside 10,000 firings of a sick target',
    reference: 'the same run without it',
    run: sickTarget,
  },
  pending: {
    title: 'Plans pending',
    reference: 'the same server at a tenth',
    run: () => pending(manyPlans),
  },
  'redis-creates': {
    title: 'Creates over Thrift on Redis, AOF everysec',
    reference: 'ioredis alone, SET of the same bytes',
    run: redisCreates,
  },
  'redis-lateness': {
    title: '10,000 HTTP timers over 60 s, 167 at once, 2 nodes on one Redis',
    reference: 'undici alone, the same bursts',
    run: redisLateness,
  },
  'redis-nodes': {
    title: 'What a node adds, on one Redis, AOF everysec',
    reference: '1 node',
    run: redisNodes,
  },
  'redis-memory': {
    title: 'Plans pending in Redis',
    reference: '-',
    run: () => redisMemory(manyPlans),
  },
  'next-fire-time': {
    title: 'Next fire time',
    reference: '-',
    run: async () =>
      (await nextFireTime()).map(({ what, microseconds }) => ({
        what,
        ours: microseconds,
        unit: 'µs',
      })),
  },
};

const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : Object.keys(benches)) {
  const bench = benches[name];
  if (bench === undefined) {
    throw new Error(`no benchmark is called ${name}; there are ${Object.keys(benches).join(', ')}`);
  }
  printTable(bench.title, bench.reference, await bench.run());
}
process.exit(0);
