import type { Figure } from './figure.ts';
import { inSeconds, Load } from './load.ts';
import { at, Sink } from './measure.ts';
import { BenchServer, withDirectory } from './server.ts';
import { blackHole, mute, refusing, silentNameServer } from './sick.ts';

const healthyPerSecond = 100;
const healthySeconds = 20;
/** Seconds after the first healthy ones, when their target has proved itself. */
const sickFrom = 4;
const sickFirings = 10_000;
const deadOrigins = 2_000;

/** What falls due besides the healthy plans, all of it in one second. */
interface Burden {
  readonly url: (n: number) => string;
  readonly args?: readonly string[];
}

/** How late plans of healthy targets are while another target is sick, beside the same run without it. */
export async function sickTarget(): Promise<Figure[]> {
  const reference = await healthyBeside();
  const figures: Figure[] = [];
  for (const [what, run] of Object.entries(cases)) {
    const late = await run();
    figures.push(
      { what: `${what}: in second 0`, ...both(late, reference, inSecondZero), unit: '%' },
      { what: 'p50', ...both(late, reference, (all) => at(all, 0.5)), unit: 'ms' },
      { what: 'p99', ...both(late, reference, (all) => at(all, 0.99)), unit: 'ms' },
      { what: 'latest', ...both(late, reference, (all) => at(all, 1)), unit: 'ms' },
    );
  }
  return figures;
}

const cases: Readonly<Record<string, () => Promise<readonly number[]>>> = {
  // Not sick at all: what so many firings cost by themselves.
  'answers at once': async () => {
    const { sink, url } = await Sink.open();
    return healthyBeside({ url: () => url }).finally(() => sink.close());
  },
  'answers nothing': async () => {
    const { port, close } = await mute();
    return healthyBeside({ url: () => `http://127.0.0.1:${port}/` }).finally(close);
  },
  'refuses connections': async () => {
    const { port, close } = await refusing();
    return healthyBeside({ url: () => `http://127.0.0.1:${port}/` }).finally(close);
  },
  'hears no connection': async () => {
    const { port, close } = await blackHole();
    return healthyBeside({ url: () => `http://127.0.0.1:${port}/` }).finally(close);
  },
  'name never resolves': async () => {
    const { port, close } = await silentNameServer();
    const args = [`--action-name-servers=127.0.0.1:${port}`];
    return healthyBeside({ url: () => 'http://sick.test/', args }).finally(close);
  },
  '2,000 names never resolve': async () => {
    const { port, close } = await silentNameServer();
    const args = [`--action-name-servers=127.0.0.1:${port}`];
    const url = (n: number): string => `http://sick-${1_000 + (n % deadOrigins)}.test/`;
    return healthyBeside({ url, args }).finally(close);
  },
  '2,000 origins answer nothing': async () => {
    const all = await Promise.all(Array.from({ length: deadOrigins }, () => mute()));
    const url = (n: number): string => `http://127.0.0.1:${all[n % deadOrigins]?.port ?? 0}/`;
    return healthyBeside({ url }).finally(() => Promise.all(all.map(({ close }) => close())));
  },
};

/** One run on a new server; answers how late each healthy firing was, sorted, a lost one for ever. */
async function healthyBeside(burden?: Burden): Promise<readonly number[]> {
  const { sink, url } = await Sink.open();
  await withDirectory(async (directory) => {
    const server = await BenchServer.forsund(`${directory}/store`, ...(burden?.args ?? []));
    const load = await Load.connect(server.port, 1);
    const startSecond = Math.ceil(Date.now() / 1000) + 4;
    const secondsUntil = (second: number): number =>
      startSecond + second - Math.floor(Date.now() / 1000);
    await load.create(healthyPerSecond * healthySeconds, 64, (n) =>
      inSeconds(secondsUntil(n % healthySeconds), url),
    );
    if (burden !== undefined) {
      await load.create(sickFirings, 64, (n) => inSeconds(secondsUntil(sickFrom), burden.url(n)));
    }
    load.close();
    const endMs = (startSecond + healthySeconds + 3) * 1000;
    await new Promise((resolve) => setTimeout(resolve, endMs - Date.now()));
    await server.kill('SIGKILL');
  });
  await sink.close();
  const lost = healthyPerSecond * healthySeconds - sink.fired.size;
  return [...sink.late, ...Array<number>(lost).fill(Infinity)].sort((a, b) => a - b);
}

const inSecondZero = (late: readonly number[]): number =>
  (100 * late.filter((ms) => ms >= 0 && ms < 1000).length) / late.length;

const both = (
  late: readonly number[],
  reference: readonly number[],
  figure: (late: readonly number[]) => number,
): Pick<Figure, 'ours' | 'reference'> => ({ ours: figure(late), reference: figure(reference) });
