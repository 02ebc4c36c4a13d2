import { inSeconds, Load } from './load.ts';
import { BenchServer, withDirectory } from './server.ts';
import type { Figure } from './figure.ts';

const url =
  'http://127.0.0.1:9/orders/close?reason=unpaid-after-30-minutes&source=shop&attempt=first';
export const farPlan = inSeconds(1_800, url);

interface Measured {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  /** Of another process that the server works with. */
  readonly perCpuSecondBeside: number;
}

/** Durable creates over Thrift, fsync before each reply, beside the stock server that stores nothing. */
export async function creates(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { what, depth, total } of [
    { what: '16 connections, one at a time each', depth: 1, total: 100_000 },
    { what: '16 connections, 64 in flight each', depth: 64, total: 300_000 },
  ]) {
    const ours = await withDirectory(async (directory) =>
      measureCreates([await BenchServer.forsund(`${directory}/store`)], depth, total),
    );
    const stock = await measureCreates([await BenchServer.stock()], depth, total);
    figures.push(
      {
        what: `durable creates, ${what}`,
        ours: ours.perSecond,
        reference: stock.perSecond,
        unit: '/s',
      },
      {
        what: 'the same per second of server CPU',
        ours: ours.perCpuSecond,
        reference: stock.perCpuSecond,
        unit: '/CPU s',
      },
    );
  }
  return figures;
}

/** Creates on 16 connections to the servers together, which are killed then. */
export async function measureCreates(
  servers: readonly BenchServer[],
  depth: number,
  total: number,
  cpuSecondsBeside = () => 0,
): Promise<Measured> {
  const load = await Load.connect(
    servers.map(({ port }) => port),
    16,
  );
  const cpuSeconds = (): number => servers.reduce((sum, server) => sum + server.cpuSeconds(), 0);
  try {
    // Warm up: compiled code, open files, a write buffer in use.
    await load.create(Math.floor(total / 5), depth, () => farPlan);
    const before = { cpu: cpuSeconds(), beside: cpuSecondsBeside(), ms: performance.now() };
    await load.create(total, depth, () => farPlan);
    return {
      perSecond: (1000 * total) / (performance.now() - before.ms),
      perCpuSecond: total / (cpuSeconds() - before.cpu),
      perCpuSecondBeside: total / (cpuSecondsBeside() - before.beside),
    };
  } finally {
    load.close();
    await Promise.all(servers.map((server) => server.kill('SIGKILL')));
  }
}
