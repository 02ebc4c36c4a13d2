import { inSeconds, Load } from './load.ts';
import { BenchServer, withDirectory } from './server.ts';
import type { Figure } from './figure.ts';

const url =
  'http://127.0.0.1:9/orders/close?reason=unpaid-after-30-minutes&source=shop&attempt=first';
const farPlan = inSeconds(1_800, url);

interface Measured {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

/** Durable creates over Thrift, fsync before each reply, beside the stock server that stores nothing. */
export async function creates(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { what, depth, total } of [
    { what: '16 connections, one at a time each', depth: 1, total: 100_000 },
    { what: '16 connections, 64 in flight each', depth: 64, total: 300_000 },
  ]) {
    const ours = await withDirectory(async (directory) =>
      measure(await BenchServer.forsund(`${directory}/store`), depth, total),
    );
    const stock = await measure(await BenchServer.stock(), depth, total);
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

async function measure(server: BenchServer, depth: number, total: number): Promise<Measured> {
  const load = await Load.connect(server.port, 16);
  try {
    // Warm up: compiled code, open files, a write buffer in use.
    await load.create(Math.floor(total / 5), depth, () => farPlan);
    const cpuBefore = server.cpuSeconds();
    const startedMs = performance.now();
    await load.create(total, depth, () => farPlan);
    const seconds = (performance.now() - startedMs) / 1000;
    const cpuSeconds = server.cpuSeconds() - cpuBefore;
    return { perSecond: total / seconds, perCpuSecond: total / cpuSeconds };
  } finally {
    load.close();
    await server.kill('SIGKILL');
  }
}
