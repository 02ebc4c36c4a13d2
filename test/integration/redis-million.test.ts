import { execFileSync } from 'node:child_process';

import type { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';

import { silentLog } from '../../src/core/log.ts';
import { addSeconds } from '../../src/core/time.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { openRedisStore } from '../../src/stores/redis/open-redis-store.ts';
import type { Store } from '../../src/stores/store.ts';
import { room } from '../contract/store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { isNightly } from '../support/nightly.ts';
import { aDraft, T0 } from '../support/plans.ts';
import { aRedis } from '../support/redis-nodes.ts';

const plans = isNightly ? 1_000_000 : 50_000;
const sideBySide = 256;
const burst = 2_000;
/** Of Redis's time: what one script may take is what all others wait. */
const slowMicros = 5_000;
/** The machine may stop it at any time, whatever its rank. */
const slowShare = 1 / 1_000;
const bytesEach = 250;
/** What a command may bring and a reply may have, however many plans there are. */
const most = { arguments: 800, elements: 2_200, bytes: 512 * 1024 };

const timeout = isNightly ? 1_800_000 : 120_000;

test(
  'scripts stay short, replies bounded and plans small, however many there are',
  { timeout },
  async ({ annotate }) => {
    const server = await aRedis();
    // At a rank before all others: else it is their time that the log tells of.
    if (isNightly) execFileSync('chrt', ['-a', '-f', '-p', '10', String(server.pid)]);
    const redis = server.client();
    await redis.config('SET', 'slowlog-log-slower-than', slowMicros);
    await redis.config('SET', 'slowlog-max-len', '1000');
    const clock = new FakeClock(T0);
    const widest = watched(redis);
    const store = await openRedisStore({
      redis: { client: redis, prefix: 'forsun', serverId: 0, partitions: 1 },
      ...{ clock: systemClock, dueClock: clock, log: silentLog, random: Math.random },
      ...{ statusKeepSeconds: 0, leaseSeconds: 60 },
    });
    onTestFinished(() => store.close());

    const before = await memoryOf(redis);
    await fill(store);
    const each = ((await memoryOf(redis)) - before) / plans;
    await annotate(`${plans} plans: ${Math.round(each)} bytes each`);
    expect(each).toBeLessThan(bytesEach);

    // All that others ask for, in the midst of it.
    let after: string | undefined;
    for (let page = 0; page < 5; page++) {
      const keys = await store.keys('', 1_000, after);
      expect(keys).toHaveLength(1_000);
      after = keys.at(-1);
    }
    await store.keys('order/9', 5_000);
    await store.agenda(T0, addSeconds(T0, 86_400 * 365), 1_000);
    await claimAll(store, clock);
    for (let n = 0; n < 2_000; n += sideBySide) {
      const some = Array.from({ length: sideBySide }, (_, at) => `order/${n + at}`);
      await Promise.all(some.map((key) => store.remove(key)));
    }

    expect(widest.arguments).toBeLessThanOrEqual(most.arguments);
    expect(widest.elements).toBeLessThanOrEqual(most.elements);
    expect(widest.bytes).toBeLessThanOrEqual(most.bytes);
    await annotate(`at most ${JSON.stringify(widest)}`);
    const slow = (await redis.slowlog('GET', '1000')) as [number, number, number, string[]][];
    const told = slow.map(([, , micros, [name, script]]) => `${micros} µs: ${name} ${script}`);
    const scripts = Number(/evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]);
    await annotate(
      `${slow.length} commands of ${scripts} over ${slowMicros} µs\n${told.join('\n')}`,
    );
    await annotate(`scripts: ${/evalsha:(\S+)/.exec(await redis.info('latencystats'))?.[1]} µs`);
    if (isNightly) expect(slow.length / scripts).toBeLessThan(slowShare);
  },
);

/** One-shot plans that post 100 bytes, due over a year from an hour on; keys come in no order. */
async function fill(store: Store): Promise<void> {
  const params = new Map([
    ['url', 'http://127.0.0.1:8080/orders/close'],
    ['body', 'x'.repeat(58)],
  ]);
  const schedule = { kind: 'interval', everySeconds: 3_600, fields: { hour: 1 } } as const;
  for (let from = 0; from < plans; from += sideBySide) {
    const some = Array.from({ length: Math.min(sideBySide, plans - from) }, (_, at) => from + at);
    await Promise.all(
      some.map((n) => {
        const key = `order/${(n * 7_919) % plans}`;
        const due = addSeconds(T0, 3_600 + ((n * 104_729) % (86_400 * 365)));
        return store.put(aDraft({ key, count: 1, action: 'http', params, schedule }), due);
      }),
    );
  }
}

/** Lets so many fall due in one second, and ends them. */
async function claimAll(store: Store, clock: FakeClock): Promise<void> {
  const due = addSeconds(T0, 60);
  for (let from = 0; from < burst; from += sideBySide) {
    const some = Array.from({ length: sideBySide }, (_, at) => `burst/${from + at}`);
    await Promise.all(some.map((key) => store.put(aDraft({ key, count: 1 }), due)));
  }
  await clock.set(due);
  for (let claimed = 0; claimed < burst;) {
    const { claims } = await store.claim(due, room(due, { firings: 1_024 }));
    claimed += claims.length;
    await Promise.all(claims.map(async ({ firing }) => store.confirm?.(firing)));
    await Promise.all(claims.map(({ firing }) => store.settle(firing, { kind: 'done' })));
  }
}

async function memoryOf(redis: Redis): Promise<number> {
  const [, bytes] = /^used_memory:(\d+)/m.exec(await redis.info('memory')) ?? [];
  return Number(bytes);
}

/** The most that any command brought, and any reply had, from now on. */
function watched(redis: Redis) {
  const widest = { arguments: 0, elements: 0, bytes: 0 };
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    widest.arguments = Math.max(widest.arguments, command.args.length);
    void command.promise.then(
      (reply) => {
        const { elements, bytes } = sizeOf(reply);
        widest.elements = Math.max(widest.elements, elements);
        widest.bytes = Math.max(widest.bytes, bytes);
      },
      () => undefined,
    );
    return send(command, stream);
  };
  return widest;
}

function sizeOf(reply: unknown): { elements: number; bytes: number } {
  if (!Array.isArray(reply)) {
    return { elements: 1, bytes: Buffer.isBuffer(reply) ? reply.length : 8 };
  }
  return reply
    .map(sizeOf)
    .reduce(
      (sum, one) => ({ elements: sum.elements + one.elements, bytes: sum.bytes + one.bytes }),
      { elements: 0, bytes: 0 },
    );
}
