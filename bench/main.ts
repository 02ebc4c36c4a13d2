import { burst } from './burst.ts';
import { creates } from './creates.ts';
import { type Figure, printTable } from './figure.ts';
import { lateness } from './lateness.ts';
import { run as nextFireTime } from './next-fire-time.ts';
import { pending } from './pending.ts';
import { sickTarget } from './sick-target.ts';

interface Bench {
  readonly title: string;
  readonly reference: string;
  readonly run: () => Promise<Figure[]>;
}

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
    run: () => pending(Number(process.env['FORSUN_BENCH_PLANS'] ?? 1_000_000)),
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
