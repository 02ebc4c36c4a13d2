import { onTestFinished, expect, test } from 'vitest';

import type { RedisSettings } from '../../../src/stores/redis/settings.ts';
import { eventually, eventuallyPasses } from '../../support/eventually.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { aRedis, at, opened, refusal, settingsFor } from './connection-rig.ts';

const quick = ['down-after-milliseconds main 500', 'failover-timeout main 2000'];

/** A primary with its replica, and a sentinel that watches them as `main`, with a password of its own. */
async function aWatchedPair() {
  const primary = await aRedis({ args: ['--appendonly', 'yes'] });
  const link = [
    '--replicaof',
    '127.0.0.1',
    String(primary.port),
    '--repl-diskless-sync-delay',
    '0',
  ];
  const replica = await aRedis({ args: ['--appendonly', 'yes', ...link] });
  const config = [
    'requirepass sesame',
    `sentinel monitor main 127.0.0.1 ${primary.port} 1`,
    ...quick.map((line) => `sentinel ${line}`),
  ];
  const sentinel = await RedisServer.start({ config, args: ['--sentinel'] });
  onTestFinished(() => sentinel.stop());
  const admin = sentinel.client({ password: 'sesame' });
  await eventuallyPasses(async () => {
    expect(await admin.call('SENTINEL', 'replicas', 'main')).toHaveLength(1);
    expect(await primary.client().info('replication')).toMatch(/slave0:.*state=online/);
  });
  return { primary, replica, sentinel };
}

const watchedBy = (...ports: readonly number[]): RedisSettings =>
  settingsFor(
    { port: 0 },
    {
      servers: {
        kind: 'sentinels',
        addresses: ports.map(at),
        master: 'main',
        username: '',
        password: { text: 'sesame', file: '' },
      },
    },
  );

test('the primary is whom a sentinel names, though others be away, and its replica after a failover', async () => {
  const { primary, replica, sentinel } = await aWatchedPair();
  const { client, log } = await opened(watchedBy(1, sentinel.port));
  expect(log.lines).toMatchObject([
    {
      event: 'store_redis_ready',
      fields: { address: `main 127.0.0.1:${primary.port}`, mode: 'sentinels', replicas: '1' },
    },
  ]);
  await client.set('a', '1');
  await eventuallyPasses(async () => expect(await replica.client().get('a')).toBe('1'));
  await primary.kill();
  await eventually(() => log.events().includes('store_redis_connected'));
  expect(log.lines.at(-1)?.fields).toMatchObject({ address: `main 127.0.0.1:${replica.port}` });
  expect(await client.incr('a')).toBe(2);
}, 60_000);

test('sentinels that know no such server, refuse us or are away, are told of', async () => {
  const { sentinel } = await aWatchedPair();
  const refusalOf = (others: object) => {
    const { servers, ...settings } = watchedBy(sentinel.port);
    return refusal({ ...settings, servers: { ...servers, ...others } });
  };
  const where = `of 127.0.0.1:${sentinel.port}`;
  expect(await refusalOf({ master: 'other' })).toBe(
    `Redis at other ${where} is known to none of them: see --driver-redis-master`,
  );
  expect(await refusalOf({ password: { text: '', file: '' } })).toMatch(
    /^Redis at main of 127\.0\.0\.1:\d+ is not told of: NOAUTH .*; see --driver-redis-sentinel-username and/,
  );
  await sentinel.kill();
  expect(await refusalOf({})).toContain(`main ${where} is not told of: no sentinel can be reached`);
}, 30_000);
