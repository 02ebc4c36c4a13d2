import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';

import type { Plan } from '../../src/client/plan.ts';
import { type OriginalFields, packedDump, packedPlan } from '../migration/original-bytes.ts';
import { aDirectory } from '../support/database.ts';
import { sharedForsund } from '../support/forsund-process.ts';
import { RedisServer } from '../support/redis-server.ts';
import { forsunHere, runForsun } from '../support/run-forsun.ts';

vi.setConfig({ testTimeout: 120_000 });

const server = sharedForsund();
beforeEach(() => onServer('rm', '--prefix', '', '--yes'));

const onServer = (...words: string[]) => forsunHere(['--port', String(server().port), ...words]);

const importing = (args: readonly string[]) => onServer('import', ...args);

async function plansThere(): Promise<readonly Plan[]> {
  const client = server().client();
  const keys = await client.listKeys('', '', 100_000);
  return Promise.all(keys.map((key) => client.get(key)));
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000);
const day = 86_400;
const http = { url: 'http://127.0.0.1:9/', method: 'post', body: 'ü' };

/** Of every kind, as a server had them that took its zone's clock for UTC's. */
function somePlans(now: number, shift: number): readonly OriginalFields[] {
  const tomorrow = new Date((now + day) * 1000);
  const noon = Date.UTC(
    ...([tomorrow.getUTCFullYear(), tomorrow.getUTCMonth(), tomorrow.getUTCDate(), 12] as const),
  );
  const nextTime = noon / 1000 - shift;
  const day1 = { day: tomorrow.getUTCDate(), month: tomorrow.getUTCMonth() + 1 };
  return [
    {
      key: 'daily',
      second: 0,
      minute: 0,
      hour: 12,
      nextTime,
      currentCount: 3,
      lastTimeout: nextTime - day,
    },
    {
      key: 'moment',
      second: 0,
      minute: 0,
      hour: 12,
      ...day1,
      nextTime,
      action: 'http',
      params: http,
    },
    {
      ...{ key: 'order/ü', isTimeOut: true, second: 0, minute: 30, count: 1 },
      ...{
        nextTime: now + 900 - shift,
        createdTime: now - 900 - shift,
        action: 'http',
        params: http,
      },
    },
    {
      key: 'thrice',
      isTimeOut: true,
      second: 40_000,
      count: 3,
      currentCount: 1,
      nextTime: now + 40_000 - shift,
    },
  ];
}

async function expectSomePlans(now: number): Promise<void> {
  const [daily, moment, order, thrice] = await plansThere();
  expect(daily).toMatchObject({
    ...{ key: 'daily', kind: 'calendar', second: 0, minute: 0, hour: 12, timezone: 'UTC' },
    ...{
      firedCount: 3,
      lastFireTime: daily!.nextFireTime! - day,
      params: new Map([['cmd', 'true']]),
    },
  });
  expect(new Date(daily!.nextFireTime! * 1000).toISOString()).toContain('T12:00:00');
  expect(moment).toMatchObject({
    ...{ key: 'moment', nextFireTime: daily!.nextFireTime!, params: new Map(Object.entries(http)) },
    year: new Date(daily!.nextFireTime! * 1000).getUTCFullYear(),
  });
  expect(order).toMatchObject({
    ...{ key: 'order/ü', kind: 'interval', minute: 30, count: 1, firedCount: 0 },
    ...{ nextFireTime: now + 900, createdTime: now - 900 },
  });
  expect(thrice).toMatchObject({
    ...{ second: 40, minute: 6, hour: 11, count: 3, firedCount: 1, nextFireTime: now + 40_000 },
  });
}

describe('from a dump', () => {
  async function aDump(plans: readonly OriginalFields[]): Promise<string> {
    const file = join(await aDirectory(), 'forsun.dump');
    await writeFile(file, packedDump(plans));
    return file;
  }

  test('plans come as they stood, once its zone is named, and again without a change', async () => {
    const now = nowSeconds();
    const file = await aDump(somePlans(now, 28_800));
    const from = ['--from-forsun-dump', file];
    expect(await importing(from)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('a dump does not say in which time zone') as string,
    });
    expect((await importing([...from, '--source-timezone', 'UTC'])).stderr).toContain(
      'is --source-timezone right?',
    );
    expect(await plansThere()).toEqual([]);
    const zone = ['--source-timezone', 'Asia/Shanghai'];
    const words = ['import', ...from, ...zone, '--port', String(server().port)];
    const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/forsund', ...words], {
      encoding: 'utf8',
    });
    expect([status, stdout, stderr]).toEqual([0, 'restored 4 plans\n', '']);
    await expectSomePlans(now);
    expect(await importing([...from, ...zone, '--json'])).toMatchObject({
      code: 0,
      stdout: '{"restored":0,"there":4,"bad":0,"left_out":0,"ended":0,"last_key":null}\n',
    });
  });

  test('what is past due is asked about, and nothing is done before', async () => {
    const now = nowSeconds();
    const file = await aDump([
      { key: 'once', isTimeOut: true, minute: 30, count: 1, nextTime: now - 5_000 },
      { key: 'often', isTimeOut: true, minute: 10, nextTime: now - 1_500, currentCount: 7 },
      { key: 'later', isTimeOut: true, minute: 30, count: 1, nextTime: now + 1_000 },
      { key: 'over', isTimeOut: true, minute: 30, count: 1, currentCount: 1, nextTime: null },
    ]);
    const from = ['--from-forsun-dump', file, '--source-timezone', 'UTC'];
    const asked = await importing(from);
    expect(asked).toMatchObject({ code: 1, stdout: '' });
    expect(asked.stderr).toMatch(
      /^forsun: 2 of 4 plans are past due, "once" since .*: say --overdue fire to have them fired now, or --overdue skip; nothing has been imported\n$/,
    );
    expect(await plansThere()).toEqual([]);

    expect(await importing([...from, '--overdue', 'skip'])).toMatchObject({
      code: 0,
      stdout: 'restored 2 plans; 1 was left out; 1 had ended\n',
      stderr: expect.stringMatching(/^"once": left out, for it was due .*\n$/) as string,
    });
    expect(await plansThere()).toMatchObject([
      { key: 'later', nextFireTime: now + 1_000 },
      { key: 'often', nextFireTime: now + 300, firedCount: 7 },
    ]);

    expect(await importing([...from, '--overdue', 'fire', '--replace'])).toMatchObject({
      code: 0,
      stdout: 'restored 3 plans; 1 had ended\n',
    });
    await vi.waitFor(async () => {
      expect((await plansThere()).map(({ key }) => key)).toEqual(['later', 'often']);
      expect(await server().client().get('often')).toMatchObject({ firedCount: 8, status: 1 });
    }, 20_000);
  });

  test('a plan that cannot be carried over ends it with why, unless such are to be left out', async () => {
    const inAnHour = { isTimeOut: true, minute: 30, nextTime: nowSeconds() + 3_600 };
    const file = await aDump([
      { ...inAnHour, key: 'a' },
      { ...inAnHour, key: 'none', action: 'event' },
      { ...inAnHour, key: 'list', params: { cmd: ['x'] } },
      { ...inAnHour, key: 'b' },
    ]);
    const from = ['--from-forsun-dump', file, '--source-timezone', 'UTC'];
    expect((await importing(from)).stderr).toMatch(/^forsun: plan 2, "none": .*\(1006\)\n$/);
    const skipping = await importing([...from, '--skip-bad']);
    expect(skipping).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^restored \d plans/) as string,
    });
    expect(skipping.stderr).toMatch(
      /^plan 2, "none": .*\(1006\)\nplan 3: its param "cmd" is no text\nforsun: 2 plans were left out\n$/,
    );
    expect((await plansThere()).map(({ key }) => key)).toEqual(['a', 'b']);
  });
});

describe('from Redis', () => {
  async function aRedis(args: readonly string[] = []): Promise<RedisServer> {
    const redis = await RedisServer.start({ args });
    onTestFinished(() => redis.stop());
    return redis;
  }

  const urlOf = ({ port }: RedisServer): string => `redis://127.0.0.1:${port}`;

  /** Writes them as the original does, and its clock as it was so many seconds ago. */
  async function keep(
    redis: RedisServer,
    plans: readonly OriginalFields[],
    { base = 'forsun:0', shift = 0, stopped = 60, password = '' } = {},
  ): Promise<void> {
    const client = redis.client(password === '' ? {} : { password });
    const now = nowSeconds();
    await client.set(`${base}:current:time`, now - shift - stopped, 'EX', 2_592_000 - stopped);
    const pipeline = client.pipeline();
    for (const plan of plans) {
      const key = plan.key as string;
      const nextTime = plan.nextTime ?? 0;
      const lives = nextTime + shift - now + 604_800;
      pipeline.hset(`${base}:time:${nextTime}`, key, '0');
      pipeline.expire(`${base}:time:${nextTime}`, lives);
      pipeline.set(`${base}:plan:${key}`, packedPlan(plan), 'EX', lives);
    }
    await pipeline.exec();
  }

  test('plans come as they stood, and the zone is told by its clock', async () => {
    const redis = await aRedis();
    const now = nowSeconds();
    await keep(redis, somePlans(now, 28_800), { shift: 28_800 });
    const before = await redis.client().dbsize();
    const from = ['--from-forsun-redis', urlOf(redis)];
    expect(await importing(from)).toEqual({ code: 0, stdout: 'restored 4 plans\n', stderr: '' });
    await expectSomePlans(now);
    expect((await importing(from)).stdout).toBe(
      'restored 0 plans; 4 were there, and stay as they are\n',
    );
    expect(await redis.client().dbsize()).toBe(before);
  });

  test('or by what its plans live, and else it is asked for', async () => {
    const redis = await aRedis();
    const now = nowSeconds();
    const url = urlOf(redis);
    await keep(redis, somePlans(now, -18_000), { shift: -18_000 });
    await redis.client().del('forsun:0:current:time');
    expect((await importing(['--from-forsun-redis', url])).code).toBe(0);
    await expectSomePlans(now);

    const admin = redis.client();
    for (const key of await admin.keys('forsun:0:plan:*')) await admin.persist(key);
    const asked = await importing(['--from-forsun-redis', url]);
    expect(asked.stderr).toBe(
      'forsun: in which time zone the server of these plans ran cannot be told: name it with --source-timezone, as UTC or Asia/Shanghai\n',
    );
    const named = [
      '--from-forsun-redis',
      url,
      '--source-timezone',
      'America/New_York',
      '--replace',
    ];
    expect((await importing(named)).code).toBe(0);
    await expectSomePlans(now);
  });

  test('of another prefix and server, behind a password that stands in no command line', async () => {
    const redis = await aRedis(['--requirepass', 's3cret']);
    const now = nowSeconds();
    const password = 's3cret';
    await keep(redis, somePlans(now, 0), { base: 'mine[1]:7', password });
    await keep(redis, [{ key: 'other', isTimeOut: true, nextTime: now + 99 }], { password });
    const from = [
      '--from-forsun-redis',
      urlOf(redis),
      '--source-prefix',
      'mine[1]',
      '--source-server-id',
      '7',
    ];
    const words = ['--port', String(server().port), 'import', ...from];
    const imported = await runForsun(words, { env: { REDISCLI_AUTH: 's3cret' } });
    expect(imported).toEqual({ code: 0, stdout: 'restored 4 plans\n', stderr: '' });
    await expectSomePlans(now);
    expect((await importing(from)).stderr).toMatch(
      /^forsun: Redis at 127\.0\.0\.1:\d+: NOAUTH Authentication required\.\n$/,
    );
  });

  test('what has fired, and is kept for its status, is over; a server at work is told of', async () => {
    const redis = await aRedis();
    const now = nowSeconds();
    const plans = ['gone', 'failed', 'due'].map((key, n) => ({
      ...{ key, isTimeOut: true, minute: 30, count: 1, nextTime: now - 100 - n },
    }));
    await keep(redis, plans, { stopped: 0 });
    await redis.client().hset(`forsun:0:time:${now - 100}`, 'gone', '1');
    await redis.client().hset(`forsun:0:time:${now - 101}`, 'failed', '-1');
    const from = ['--from-forsun-redis', urlOf(redis)];
    expect((await importing([...from, '--overdue', 'skip'])).stdout).toBe(
      'restored 0 plans; 1 was left out; 2 had ended\n',
    );
    expect((await importing(from)).stderr).toMatch(
      /^the server of these plans is at work still, and fires them, too: stop it\nforsun: 1 of 3 plans are past due/,
    );
  });

  test('a key of another type is told, and hides no plan', async () => {
    const redis = await aRedis();
    const nextTime = nowSeconds() + day;
    await keep(redis, [{ key: 'mine', isTimeOut: true, day: 1, nextTime }]);
    await redis.client().hset('forsun:0:plan:theirs', 'a', 'b');
    await redis.client().del(`forsun:0:time:${nextTime}`);
    await redis.client().set(`forsun:0:time:${nextTime}`, 'theirs');
    const from = ['--from-forsun-redis', urlOf(redis)];
    const told = '"forsun:0:plan:theirs": it is no string\n';
    expect(await importing(from)).toMatchObject({ code: 1, stderr: `forsun: ${told}` });
    expect(await importing([...from, '--skip-bad'])).toMatchObject({
      code: 1,
      stderr: `${told}forsun: 1 plan was left out\n`,
    });
    expect((await plansThere()).map(({ key }) => key)).toEqual(['mine']);
  });

  test('any number of them, beside any number of keys of others', async () => {
    const redis = await aRedis();
    const nextTime = nowSeconds() + 10 * day;
    const plans = Array.from({ length: 2_000 }, (_, n) => ({
      ...{ key: `order-${n}`, isTimeOut: true, day: 30, count: 1, nextTime: nextTime + n },
    }));
    await redis.client().eval(`for i = 1, 20000 do redis.call('SET', 'theirs:' .. i, '') end`, 0);
    await keep(redis, plans);
    expect(await importing(['--from-forsun-redis', urlOf(redis)])).toEqual({
      ...{ code: 0, stdout: 'restored 2,000 plans\n', stderr: '' },
    });
    expect(await plansThere()).toHaveLength(2_000);
  });

  test('a Redis that is not there is told with its address, and never with a password', async () => {
    const failed = await importing(['--from-forsun-redis', 'redis://:s3cret@127.0.0.1:1']);
    expect(failed.stderr).toBe('forsun: Redis at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\n');
    const bad = await importing(['--from-forsun-redis', 's3cret@127.0.0.1:1']);
    expect(bad.stderr).toContain('forsun: --from-forsun-redis: expected redis://');
    expect(bad.stderr).not.toContain('s3cret');
  });
});

test.each([
  [['--from-forsun-dump', 'a', 'b'], 'expected import'],
  [['--from-forsun-dump', 'a', '--from-forsun-redis', 'b'], 'expected import'],
  [[], 'expected import'],
  [['a', '--overdue', 'fire'], '--overdue goes with --from-forsun-redis or --from-forsun-dump'],
  [
    ['--from-forsun-dump', 'a', '--source-prefix', 'b'],
    '--source-prefix goes with --from-forsun-redis',
  ],
  [['--from-forsun-dump', 'a', '--after', 'b'], '--after goes with an export'],
  [
    ['--from-forsun-dump', 'a', '--source-timezone', 'UTC', '--overdue', 'ask'],
    '--overdue is fire or skip, not "ask"',
  ],
  [['--from-forsun-dump', 'a', '--source-timezone', 'Mars/X'], 'no time zone "Mars/X"'],
  [['--from-forsun-dump', '/none', '--source-timezone', 'UTC'], '/none'],
])('import %s is refused: %s', async (args, message) => {
  const { code, stderr } = await importing(args);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
});
