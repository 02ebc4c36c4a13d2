import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import type { ForsunClient } from '../../src/client/forsun-client.ts';
import { aStore, ForsundProcess, type ForsundOptions } from '../support/forsund-process.ts';
import { type Hit, HttpSink } from '../support/http-sink.ts';
import { isNightly } from '../support/nightly.ts';
import { SickTargets } from '../support/sick-targets.ts';

const firings = isNightly ? 600_000 : 3_000;
const timeout = isNightly ? 3_000_000 : 240_000;
/** So much time there is from the first create to the first due second. */
const createSeconds = isNightly ? 150 : 10;
/** All are due within so many seconds. */
const dueSeconds = 5;
/** What runs at once may pass each other, and no more. */
const sideBySide = 200;

/** The process would end if it kept 600,000 firings in memory. */
const env = { NODE_OPTIONS: '--max-old-space-size=160' };
/** So few that most wait in the store in a small run too. */
const maxHeld = isNightly ? 8_192 : 512;
const limits = isNightly
  ? []
  : [`--action-max-held=${maxHeld}`, '--action-max-runs=64', '--action-max-queued-per-origin=100'];

/** The healthy plan, of which each second fires for itself, however late. */
const healthyPolicy = { 'forsun.misfire_threshold': '86400', 'forsun.max_unfinished': '100' };

test.for([
  ['of one dead target, missed while the server was down,', { origins: 1, wasDown: true }],
  ['of many dead targets', { origins: isNightly ? 3_000 : 100, wasDown: false }],
] as const)(
  'law 8, bounded: firings %s wait in the store, over kill -9, and fire once each when it heals',
  { timeout },
  async ([, { origins, wasDown }], { annotate }) => {
    const healthy = await HttpSink.open();
    const sick = await SickTargets.open(origins);
    const args = [...limits, ...(wasDown ? ['--misfire-threshold=1'] : [])];
    const options = { store: await aStore(), env, args };
    let server = await Server.start(options);
    const params = { url: healthy.url(), ...healthyPolicy };
    const always = { key: 'healthy', second: 1, count: 0 };
    await server.client.createTimeout({ ...always, action: 'http', params });
    const lastDue = await createSick(server.client, sick);
    const tell = async (what: string): Promise<void> => {
      const [rss, run] = [await server.count('mem_rss'), healthy.hits.splice(0)];
      hits.push(...run);
      await annotate(`${what}: ${Math.round(rss / 2 ** 20)} MiB, healthy plan ${latenessOf(run)}`);
    };
    const hits: Hit[] = [];

    if (wasDown) {
      await server.kill('SIGTERM');
      await untilMs((lastDue + 3) * 1000);
      server = await Server.start(options);
    }
    await until(async () => (await server.parked()) > firings / 2);
    await server.kill('SIGKILL'); // while they are being parked
    server = await Server.start(options);
    await untilQuiet(server);
    expect(await server.count('timeout_handling_count')).toBeLessThanOrEqual(maxHeld);
    expect(await server.count('plan_count')).toBe(firings + 1);
    await tell('parked');
    await server.kill('SIGKILL'); // while they lie there
    server = await Server.start(options);
    await untilMs(Date.now() + 5_000);
    await tell('started anew');
    expect(sick.delivered).toEqual([]);
    sick.heal();
    await until(async () => (await server.count('plan_count')) === 1);
    await tell('healed');
    await server.kill('SIGTERM');

    expect(sick.delivered).toHaveLength(firings);
    expect(new Set(sick.delivered.map(({ key }) => key)).size).toBe(firings);
    expect(sick.delivered.filter(({ isEarly }) => isEarly)).toEqual([]);
    // Beside many dead targets a healthy one that has yet to prove itself waits: law-7-overload.test.ts.
    if (origins > 1) return;
    // Oldest first, but for attempts that follow a crash or a failure and wait for their own time.
    const first = sick.delivered.filter(({ attempt }) => attempt === 1);
    const line = first.map(({ fireTime }) => fireTime);
    expect(line.filter((time, n) => time < (line[n - sideBySide] ?? 0))).toEqual([]);
    const seconds = [...new Set(hits.map(({ fireTime }) => fireTime))].toSorted((a, b) => a - b);
    expect(seconds).toEqual(seconds.map((_, n) => (seconds[0] ?? 0) + n));
  },
);

/** A forsund and a client of it. */
class Server {
  readonly client: ForsunClient;
  readonly #process: ForsundProcess;

  private constructor(process: ForsundProcess) {
    this.#process = process;
    this.client = process.client();
  }

  static async start(options: ForsundOptions): Promise<Server> {
    return new Server(await ForsundProcess.start(options));
  }

  async count(name: string): Promise<number> {
    return Number((await this.client.info()).get(name));
  }

  /** Firings that it has parked and not taken up again. */
  async parked(): Promise<number> {
    return (await this.count('parked_count')) - (await this.count('unparked_count'));
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    await this.#process.kill(signal);
  }
}

/** Creates the plans of the sick targets; resolves to the last second in which some are due. */
async function createSick(client: ForsunClient, sick: SickTargets): Promise<number> {
  const firstDue = Math.floor(Date.now() / 1000) + createSeconds;
  for (let from = 0; from < firings; from += 1_000) {
    const some = Array.from({ length: Math.min(1_000, firings - from) }, (_, n) => from + n);
    await Promise.all(
      some.map((n) => {
        const params = { url: sick.url(n), 'forsun.retries': '100' };
        const time = fieldsOf(firstDue + (n % dueSeconds));
        return client.create({ key: `sick/${n}`, ...time, action: 'http', params });
      }),
    );
  }
  return firstDue + dueSeconds - 1;
}

function fieldsOf(second: number) {
  const time = new Date(second * 1000);
  return {
    ...{ month: time.getUTCMonth() + 1, day: time.getUTCDate() },
    ...{ hour: time.getUTCHours(), minute: time.getUTCMinutes(), second: time.getUTCSeconds() },
  };
}

/** As long as it takes: the test has its deadline. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(200);
}

const untilMs = (ms: number): Promise<void> => sleep(Math.max(0, ms - Date.now()));

/** Resolves once nothing has been parked for some seconds. */
async function untilQuiet(server: Server): Promise<void> {
  for (let quiet = 0, before = -1; quiet < 4; quiet += 1) {
    const parked = await server.count('parked_count');
    if (parked !== before) quiet = 0;
    before = parked;
    await sleep(1_000);
  }
}

function latenessOf(hits: readonly Hit[]): string {
  const late = hits.map(({ atMs, fireTime }) => atMs - fireTime * 1000).sort((a, b) => a - b);
  const inSecondZero = late.filter((ms) => ms < 1_000).length;
  const at = (quantile: number): number => late[Math.floor(quantile * (late.length - 1))] ?? NaN;
  return `${inSecondZero} of ${late.length} in second 0, p50 ${at(0.5)} ms, latest ${at(1)} ms`;
}
