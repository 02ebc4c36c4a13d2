import { describe, expect, test } from 'vitest';

import { eventually } from '../../support/eventually.ts';
import { aRedis, opened, refusal, settingsFor } from './connection-rig.ts';

describe('how many partitions there are', () => {
  test('is told once, and from then on the same for everybody who does not say otherwise', async () => {
    const server = await aRedis();
    expect(await opened(settingsFor(server, { partitions: 4 }))).toMatchObject({ partitions: 4 });
    expect(await opened(settingsFor(server))).toMatchObject({ partitions: 4 });
    expect(await opened(settingsFor(server, { partitions: 4 }))).toMatchObject({ partitions: 4 });
    expect(await refusal(settingsFor(server, { partitions: 8 }))).toBe(
      'the store at forsun:0:meta has 4 partitions for ever, --driver-redis-partitions asks for 8: leave that out, or begin another store with another --driver-redis-server-id',
    );
    expect(await opened(settingsFor(server, { serverId: 1 }))).toMatchObject({ partitions: 1 });
    const hash = await server.client().hgetall('forsun:0:meta');
    expect(hash).toEqual({ layout: '1', partitions: '4' });
  });

  test('is the same for all of many that open a new store at once', async () => {
    const server = await aRedis();
    const all = Array.from({ length: 10 }, (_, index) =>
      opened(settingsFor(server, { partitions: index + 1 })).then(
        ({ partitions }) => partitions,
        () => undefined,
      ),
    );
    const partitions = (await Promise.all(all)).filter((number) => number !== undefined);
    expect(partitions).toHaveLength(1);
    expect(await opened(settingsFor(server))).toMatchObject({ partitions: partitions[0] });
  });
});

test('a Redis that comes back without its keys is told of, and the store begun as it was', async () => {
  const server = await aRedis();
  const { log } = await opened(settingsFor(server, { partitions: 4 }));
  await server.kill();
  await eventually(() => log.events().includes('store_redis_lost'));
  await server.restart();
  await eventually(() => log.events().includes('store_redis_emptied'));
  expect(log.lines.at(-1)).toEqual({
    level: 'error',
    event: 'store_redis_emptied',
    fields: { address: `127.0.0.1:${server.port}` },
  });
  expect(await opened(settingsFor(server))).toMatchObject({ partitions: 4 });

  const admin = server.client();
  await admin.hset('forsun:0:meta', 'partitions', '8');
  await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
  await eventually(() => log.events().includes('store_redis_replaced'));
});

test('a store of a newer layout is refused', async () => {
  const server = await aRedis();
  await server.client().hset('forsun:0:meta', 'layout', '2', 'partitions', '1');
  expect(await refusal(settingsFor(server))).toBe(
    'the store at forsun:0:meta has layout 2, this forsun knows 1: install the forsun that made it, or a newer one',
  );
});

test('a key of somebody else’s is refused, and left as it was', async () => {
  const server = await aRedis();
  const client = server.client();
  const refused = 'the key forsun:0:meta is none of a store: choose another --driver-redis-prefix';
  await client.set('forsun:0:meta', 'theirs');
  expect(await refusal(settingsFor(server))).toBe(refused);
  expect(await client.get('forsun:0:meta')).toBe('theirs');
  await client.del('forsun:0:meta');
  for (const theirs of ['', '0', 'four', '2.5', '-1', '1e3']) {
    await client.hset('forsun:0:meta', 'layout', '1', 'partitions', theirs);
    expect(await refusal(settingsFor(server))).toBe(refused);
  }
});

test('more partitions than there can be are refused', async () => {
  const server = await aRedis();
  await server.client().hset('forsun:0:meta', 'layout', '1', 'partitions', '1000000000');
  expect(await refusal(settingsFor(server))).toBe(
    'the store at forsun:0:meta has 1000000000 partitions, expected at most 64: was that key changed by hand?',
  );
});

describe('a first start where the original forsun has its plans', () => {
  test.each(['forsun:0:current:time', 'forsun:0:plan:order-1'])(
    'which %s tells, is refused',
    async (key) => {
      const server = await aRedis();
      await server.client().set(key, '1700000000');
      expect(await refusal(settingsFor(server))).toBe(
        'the original forsun keeps its plans at forsun:0, and they are not in this store: ' +
          'name another --driver-redis-prefix or --driver-redis-server-id, and when the server runs, ' +
          'bring them over with `forsun import --from-forsun-redis`',
      );
      expect(await server.client().exists('forsun:0:meta')).toBe(0);
      await opened(settingsFor(server, { prefix: 'new' }));
    },
  );

  test('or at another prefix, or beside any number of keys of others, begins its store', async () => {
    const server = await aRedis();
    const client = server.client();
    await client.eval(`for i = 1, 20000 do redis.call('SET', 'theirs:' .. i, '') end`, 0);
    await client.set('forsun:1:plan:a', '1');
    await client.set('forsun:01:plan:a', '1');
    await client.set('fo[r]sun*:0:plan:a', '1');
    expect(await refusal(settingsFor(server, { serverId: 1 }))).toContain('keeps its plans at');
    const odd = settingsFor(server, { prefix: 'fo[r]sun*' });
    expect(await refusal(odd)).toContain('keeps its plans at fo[r]sun*:0');
    await opened(settingsFor(server, { prefix: 'fo*' }));
    await opened(settingsFor(server));
  });
});
