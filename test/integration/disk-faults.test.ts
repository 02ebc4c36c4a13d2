import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test, vi } from 'vitest';

import type { ForsunClient } from '../../src/client/forsun-client.ts';
import { flawless, intervalTimes, judge } from '../support/checker.ts';
import { eventuallyPasses } from '../support/eventually.ts';
import { aStore, EndedEarly, ForsundProcess } from '../support/forsund-process.ts';
import { HttpSink } from '../support/http-sink.ts';
import { mayNotMount } from '../support/may-not-mount.ts';
import { isNightly } from '../support/nightly.ts';
import { aSmallDisk } from '../support/small-disk.ts';

vi.setConfig({ testTimeout: 120_000 });

describe.skipIf(mayNotMount)('a full disk', () => {
  test.each([
    ['with a reserve', '2M'],
    ['without one', '0'],
  ])(
    'laws 1 and 3, %s: creates answer 1004, what was stored still fires or fires late, none acknowledged is lost',
    async (_name, reserve) => {
      const hasReserve = reserve !== '0';
      const disk = await aSmallDisk(24);
      const store = join(disk.directory, 'store');
      const sink = await HttpSink.open();
      const args = ['--store-mem-reserve', reserve];
      let forsund = await ForsundProcess.start({ store, args });
      const client = forsund.client();
      const params = { url: sink.url() };
      const due = new Map<string, readonly number[]>();
      for (const second of [1, 2, 3]) {
        const plan = { key: `every/${second}`, second, count: 12 / second, action: 'http', params };
        const first = (await client.createTimeout(plan)).nextFireTime!;
        due.set(plan.key, intervalTimes(first, second, { count: plan.count }));
      }
      await sink.until('every/1', 1);

      await disk.fill();
      const acknowledged: string[] = [];
      const refusal = await createUntilRefused(client, 'before', acknowledged);
      expect(refusal).toMatchObject({ code: 1004 });
      const { length } = sink.hits;
      if (hasReserve) {
        await sink.untilSeen(() => sink.hits.length >= length + 4);
        await expect(aPlan(client, 'meanwhile')).rejects.toMatchObject({ code: 1004 });
      } else {
        await sleep(3_000);
      }
      await client.ping();

      await disk.empty();
      await eventuallyPasses(() => aPlan(client, 'after/0'));
      acknowledged.push('after/0');
      expect(await createUntilRefused(client, 'after', acknowledged, 200)).toBeUndefined();

      await forsund.kill('SIGKILL');
      const crashes = [{ atMs: Date.now() }];
      forsund = await ForsundProcess.start({ store, args });
      const kept = new Set(await forsund.client().getKeys());
      expect(acknowledged.filter((key) => !kept.has(key))).toEqual([]);
      await eventuallyPasses(async () =>
        expect(await forsund.client().getKeys('every')).toEqual([]),
      );
      expect(judge(due, sink.hits, crashes)).toEqual(flawless);
    },
  );
});

/** The first few come while it opens. */
const failures = isNightly ? Array.from({ length: 60 }, (_, n) => n + 1) : [2, 17, 40];

test.each(failures)(
  'law 1: when its fsync no. %i and all later ones fail, it ends with a line, and the next start has all that was acknowledged',
  async (when) => {
    const store = await aStore();
    await (await ForsundProcess.start({ store })).kill('SIGTERM');
    const acknowledged: string[] = [];
    const { code, said } = await failingFrom(when, store, acknowledged);
    expect(code).toBeGreaterThan(0);
    expect(said).toMatch(/Input\/output error/);

    const again = await ForsundProcess.start({ store });
    const kept = new Set(await again.client().getKeys());
    expect(acknowledged.filter((key) => !kept.has(key))).toEqual([]);
  },
);

/** Starts a server whose disk fails from that fdatasync on, and creates plans until it ends. */
async function failingFrom(
  when: number,
  store: string,
  acknowledged: string[],
): Promise<{ readonly code: number | null; readonly said: string }> {
  const inject = `inject=fdatasync:error=EIO:when=${when}+`;
  const filter = ['-e', 'trace=fdatasync', '-e', inject];
  const under = ['strace', '-D', '-f', '-qq', '-o', '/dev/null', ...filter];
  try {
    const forsund = await ForsundProcess.start({ store, under });
    await createUntilRefused(forsund.client(), 'k', acknowledged);
    return { code: (await forsund.exited).code, said: forsund.output };
  } catch (error) {
    if (!(error instanceof EndedEarly)) throw error;
    return { code: error.exit.code, said: error.output };
  }
}

const aPlan = (client: ForsunClient, key: string): Promise<unknown> =>
  client.createTimeout({ key, hour: 1, params: { cmd: 'true', pad: 'x'.repeat(8_000) } });

/** Creates plans until one fails, and answers why; undefined when so many were created. */
async function createUntilRefused(
  client: ForsunClient,
  prefix: string,
  acknowledged: string[],
  atMost = 20_000,
): Promise<unknown> {
  for (let n = 1; n <= atMost; n++) {
    const key = `${prefix}/${n}`;
    try {
      await aPlan(client, key);
    } catch (error) {
      return error;
    }
    acknowledged.push(key);
  }
  return undefined;
}
