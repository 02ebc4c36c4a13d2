import type { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';

import { refuseUnfit, warningsOf } from '../../../src/stores/redis/redis-checks.ts';
import type { RedisFacts } from '../../../src/stores/redis/redis-facts.ts';
import { eventually, eventuallyPasses } from '../../support/eventually.ts';
import { aRedis, at, opened, refusal, settingsFor } from './connection-rig.ts';

describe('a Redis is told of in one line', () => {
  test('with its version, how it keeps what it has, what it drops and its partitions', async () => {
    const server = await aRedis({ args: ['--appendonly', 'yes'] });
    const { log } = await opened(settingsFor(server));
    const version = expect.stringMatching(/^redis \d+\.\d+\.\d+$/) as string;
    expect(log.lines).toEqual([
      {
        level: 'info',
        event: 'store_redis_ready',
        fields: {
          address: `127.0.0.1:${server.port}`,
          mode: 'one',
          version,
          persistence: 'aof everysec',
          policy: 'noeviction',
          replicas: '0',
          minReplicas: '0',
          partitions: 1,
        },
      },
    ]);
  });

  test('which is a warning when nothing is on disk, or snapshots only', async () => {
    const server = await aRedis();
    const { log } = await opened(settingsFor(server));
    await server.client().config('SET', 'save', '3600 1');
    const { log: later } = await opened(settingsFor(server));
    expect([...log.lines, ...later.lines]).toMatchObject([
      {
        level: 'warn',
        event: 'store_redis_ready',
        fields: {
          persistence: 'off',
          warnings:
            'nothing is on disk: when Redis restarts, all plans are lost; set appendonly yes there',
        },
      },
      {
        level: 'warn',
        fields: {
          persistence: 'rdb 3600 1',
          warnings:
            'only snapshots are on disk: when Redis dies, what came after the newest is lost; set appendonly yes there',
        },
      },
    ]);
  });

  test('and without what a user may not ask', async () => {
    const server = await aRedis({ args: ['--appendonly', 'yes'] });
    await server.client().acl('SETUSER', 'anna', 'on', 'nopass', '~*', '+@all', '-config');
    const { log } = await opened(settingsFor(server, { username: 'anna' }));
    expect(log.lines).toMatchObject([
      {
        level: 'info',
        fields: { persistence: 'aof on', policy: 'noeviction', minReplicas: 'unknown' },
      },
    ]);
  });
});

describe('a Redis that was found fit, when a connection to it is made anew', () => {
  async function reconnected(change: (admin: Redis) => Promise<unknown>) {
    const server = await aRedis();
    const { log } = await opened(settingsFor(server));
    const admin = server.client();
    await change(admin);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await eventually(() => log.events().includes('store_redis_connected'));
    return { log, server };
  }

  test('is told of again when it is set otherwise', async () => {
    const { log } = await reconnected((admin) => admin.config('SET', 'save', '3600 1'));
    await eventually(() => log.lines.at(-1)?.event === 'store_redis_ready');
    expect(log.lines.at(-1)).toMatchObject({
      level: 'warn',
      fields: { persistence: 'rdb 3600 1' },
    });
  });

  test('is told of as unfit when it drops keys by now', async () => {
    const { log, server } = await reconnected((admin) =>
      admin.config('SET', 'maxmemory-policy', 'allkeys-lru'),
    );
    await eventually(() => log.events().includes('store_redis_unfit'));
    const address = `127.0.0.1:${server.port}`;
    expect(log.lines.at(-1)).toEqual({
      level: 'error',
      event: 'store_redis_unfit',
      fields: {
        address,
        reason: `${address} drops keys when its memory is full (maxmemory-policy allkeys-lru), plans among them: set maxmemory-policy noeviction there`,
      },
    });
  });
});

describe('a Redis is refused', () => {
  test('that drops keys when its memory is full, though there be no limit to it yet', async () => {
    const server = await aRedis();
    const admin = server.client();
    for (const policy of ['allkeys-lru', 'volatile-ttl']) {
      await admin.config('SET', 'maxmemory-policy', policy);
      expect(await refusal(settingsFor(server))).toBe(
        `127.0.0.1:${server.port} drops keys when its memory is full (maxmemory-policy ${policy}), plans among them: set maxmemory-policy noeviction there`,
      );
    }
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    await opened(settingsFor(server));
  });

  test('that is a replica', async () => {
    const primary = await aRedis();
    const replica = await aRedis({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
    expect(await refusal(settingsFor(replica))).toBe(
      `127.0.0.1:${replica.port} is a replica of 127.0.0.1:${primary.port} and takes no changes: name that one, or its sentinels with --driver-redis-sentinel`,
    );
    await eventuallyPasses(async () => {
      expect(await primary.client().info('replication')).toContain('connected_slaves:1');
    });
    const { log } = await opened(settingsFor(primary));
    expect(log.lines).toMatchObject([{ fields: { replicas: '1' } }]);
  });

  test('that is a sentinel', async () => {
    const server = await aRedis();
    const config = [`sentinel monitor main 127.0.0.1 ${server.port} 1`];
    const sentinel = await aRedis({ config, args: ['--sentinel'] });
    expect(await refusal(settingsFor(sentinel))).toBe(
      `127.0.0.1:${sentinel.port} is a sentinel, which keeps nothing: name it with --driver-redis-sentinel`,
    );
  });

  test('that is a node of a cluster, by one who looks for a Redis alone', async () => {
    const node = await aRedis({ args: ['--cluster-enabled', 'yes'] });
    expect(await refusal(settingsFor(node))).toBe(
      `127.0.0.1:${node.port} is a node of a cluster: name it and others with --driver-redis-cluster`,
    );
  });

  test('that is alone, by one who looks for a cluster', async () => {
    const { port } = await aRedis();
    const servers = { kind: 'cluster', addresses: [at(port)] } as const;
    expect(await refusal(settingsFor({ port }, { servers }))).toBe(
      `Redis at 127.0.0.1:${port} is no cluster: name it with --driver-redis-host`,
    );
  });

  test('that may not be asked what it is', async () => {
    const server = await aRedis();
    await server.client().acl('SETUSER', 'anna', 'on', 'nopass', '~*', '+@all', '-info');
    expect(await refusal(settingsFor(server, { username: 'anna' }))).toMatch(
      /does not let forsun in: NOPERM .*'info'/,
    );
  });
});

const sound: RedisFacts = {
  address: 'redis:6379',
  version: '7.2.4',
  product: 'valkey 8.0.1',
  mode: 'standalone',
  replicaOf: undefined,
  replicas: 0,
  minReplicas: 0,
  evictionPolicy: 'noeviction',
  persistence: { appendOnly: 'everysec', snapshots: '' },
};

test.each([
  ['6.0.6', true],
  ['6.0.16', true],
  ['6.2.0', true],
  ['7.0.0', true],
  ['10.0.0', true],
  ['7.4', true],
  ['6.0.5', false],
  ['5.9.9', false],
  ['', false],
  ['unknown', false],
])('version "%s": %s', (version, isFit) => {
  const judge = (): void => refuseUnfit({ ...sound, version, product: `redis ${version}` }, false);
  if (isFit) expect(judge).not.toThrow();
  else {
    expect(judge).toThrow(
      `redis:6379 is redis ${version}, expected Redis 6.0.6 or newer, or Valkey`,
    );
  }
});

test('what a service does not say is warned of', () => {
  const silent = { appendOnly: undefined, snapshots: undefined };
  expect(warningsOf({ ...sound, evictionPolicy: undefined, persistence: silent })).toEqual([
    'it does not say whether plans are on disk: appendonly should be yes there',
    'it does not say what it drops when its memory is full: maxmemory-policy must be noeviction',
  ]);
  expect(warningsOf(sound)).toEqual([]);
});
