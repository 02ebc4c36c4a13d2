import type { Figure } from './figure.ts';
import { type CreateCall, inSeconds, Load } from './load.ts';
import { BenchServer, bytesOnDisk, withDirectory } from './server.ts';

const url =
  'http://127.0.0.1:9/orders/close?reason=unpaid-after-30-minutes&source=shop&attempt=first';

/** One of very many plans, due in half an hour or up to a day later. */
export const dueLater = (n: number): CreateCall => inSeconds(1_800 + (n % 80_000), url);

/** A million plans pending, most of them far away: what they cost, and how soon a killed server is back. */
export async function pending(total = 1_000_000): Promise<Figure[]> {
  return withDirectory(async (directory) => {
    const store = `${directory}/store`;
    const server = await BenchServer.forsund(store);
    const load = await Load.connect(server.port, 16);
    await load.create(total / 10, 64, dueLater);
    const residentAtTenth = server.residentMiB();
    await load.create(total - total / 10, 64, dueLater);
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const resident = server.residentMiB();
    load.close();
    await server.kill('SIGKILL');

    const startedMs = performance.now();
    const again = await BenchServer.forsund(store);
    const readyMs = performance.now() - startedMs;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const residentAgain = again.residentMiB();
    await again.kill('SIGKILL');
    const millions = `${total.toLocaleString('en')} pending`;
    return [
      { what: `resident, ${millions}`, ours: resident, reference: residentAtTenth, unit: 'MiB' },
      { what: 'resident after kill -9 and restart', ours: residentAgain, unit: 'MiB' },
      { what: 'ready after kill -9', ours: readyMs, unit: 'ms' },
      { what: 'on disk, each', ours: bytesOnDisk(store, /\.(ldb|log)$/) / total, unit: 'bytes' },
    ];
  });
}
