import { Agent, request } from 'undici';

import type { Figure } from './figure.ts';
import { inSeconds, Load } from './load.ts';
import { at, Sink } from './measure.ts';
import { BenchServer, withDirectory } from './server.ts';

const timers = 10_000;
const spreadSeconds = 60;
const leadSeconds = 5;

export const lateness = (): Promise<Figure[]> =>
  withDirectory(async (directory) => latenessOf([await BenchServer.forsund(`${directory}/store`)]));

/**
 * One-shot HTTP timers spread over a minute: how late each callback arrives after its second began. The
 * servers share one store; they are killed then.
 */
export async function latenessOf(servers: readonly BenchServer[]): Promise<Figure[]> {
  const { sink, url } = await Sink.open();
  const reference = await rawBurst(url);
  sink.clear();

  const ports = servers.map(({ port }) => port);
  const load = await Load.connect(ports, ports.length);
  await load.create(timers, 64, (n) => inSeconds(leadSeconds + (n % spreadSeconds), url));
  load.close();
  await new Promise((resolve) => setTimeout(resolve, (leadSeconds + spreadSeconds + 3) * 1000));
  await Promise.all(servers.map((server) => server.kill('SIGKILL')));
  await sink.close();

  const { fired, twice } = sink;
  const late = sink.late.toSorted((a, b) => a - b);
  const inSecondZero = late.filter((ms) => ms >= 0 && ms < 1000).length;
  return [
    { what: 'in second 0', ours: (100 * inSecondZero) / timers, unit: '%' },
    { what: 'early', ours: late.filter((ms) => ms < 0).length, unit: 'timers' },
    { what: 'lost', ours: timers - fired.size, unit: 'timers' },
    { what: 'twice', ours: twice, unit: 'timers' },
    ...[0.5, 0.99, 1].map((quantile) => ({
      what: quantile === 1 ? 'latest' : `p${quantile * 100}`,
      ours: at(late, quantile),
      reference: at(reference, quantile),
      unit: 'ms',
    })),
  ];
}

/** The same number of requests that fall due together, sent by undici alone, second after second. */
async function rawBurst(url: string): Promise<number[]> {
  const agent = new Agent({ connections: 64 });
  const perSecond = Math.ceil(timers / spreadSeconds);
  const late: number[] = [];
  for (let second = 0; second < 10; second += 1) {
    const startMs = performance.now();
    await Promise.all(
      Array.from({ length: perSecond }, async () => {
        const headers = { 'x-forsun-key': 'raw', 'x-forsun-timestamp': '0' };
        const { body } = await request(url, { dispatcher: agent, headers });
        await body.dump();
        late.push(performance.now() - startMs);
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await agent.close();
  return late.sort((a, b) => a - b);
}
