import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { aDirectory } from '../../support/database.ts';
import { eventually, eventuallyPasses } from '../../support/eventually.ts';
import { RedisCluster } from '../../support/redis-cluster.ts';
import { at, opened, refusal, settingsFor } from './connection-rig.ts';

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await RedisCluster.start();
}, 60_000);
afterAll(() => cluster.stop());

const settings = (others = {}) =>
  settingsFor(
    { port: 0 },
    { servers: { kind: 'cluster', addresses: cluster.addresses }, ...others },
  );

test('one node is enough to find all; a store there has 16 partitions unless told otherwise', async () => {
  const [first] = cluster.addresses;
  const servers = { kind: 'cluster', addresses: [first!, at(1)] } as const;
  const { client, partitions, isCluster, log } = await opened(
    settings({ servers, prefix: 'usual' }),
  );
  expect({ partitions, isCluster }).toEqual({ partitions: 16, isCluster: true });
  for (let n = 0; n < 20; n += 1) await client.set(`key-${n}`, '');
  expect(log.lines).toMatchObject([
    { event: 'store_redis_ready', fields: { mode: 'cluster', partitions: 16, persistence: 'off' } },
  ]);
  expect(await opened(settings({ prefix: 'told', partitions: 4 }))).toMatchObject({
    partitions: 4,
  });
});

test('each of its nodes has to be fit', async () => {
  const unfit = cluster.nodes[1]!;
  const admin = unfit.client();
  await admin.config('SET', 'maxmemory-policy', 'allkeys-random');
  expect(await refusal(settings())).toContain(`127.0.0.1:${unfit.port} drops keys when its memory`);
  await admin.config('SET', 'maxmemory-policy', 'noeviction');
});

test('a node that is lost is told of, and its keys are refused at once until it is back', async () => {
  const { client, log } = await opened(settings());
  const lost = cluster.nodes[2]!;
  const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`);
  await Promise.all(keys.map((key) => client.set(key, '')));
  await lost.kill();
  await eventually(() => log.events().includes('store_redis_lost'));
  const outcomes = await Promise.allSettled(keys.map((key) => client.set(key, '')));
  expect(outcomes.map(({ status }) => status)).toContain('rejected');
  await lost.restart();
  await eventuallyPasses(() => Promise.all(keys.map((key) => client.set(key, ''))));
  expect(log.lines.slice(1)).toMatchObject([
    { event: 'store_redis_lost', fields: { address: `127.0.0.1:${lost.port}` } },
    { event: 'store_redis_connected', fields: { address: `127.0.0.1:${lost.port}` } },
  ]);
}, 60_000);

test('a connection to a node is made anew with the password that its file holds by then', async () => {
  const file = join(await aDirectory(), 'password');
  const admins = cluster.nodes.map((node) => node.client());
  const change = async (...rules: string[]): Promise<void> => {
    for (const admin of admins) await admin.call('ACL', ['SETUSER', 'anna', ...rules]);
  };
  await change('reset', 'on', '>old', '~*', '+@all');
  await writeFile(file, 'old');
  const { client } = await opened({
    ...settings(),
    ...{ username: 'anna', password: { text: '', file } },
  });
  await writeFile(file, 'new');
  await change('resetpass', '>new');
  for (const admin of admins) {
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  }
  const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`);
  await eventuallyPasses(() => Promise.all(keys.map((key) => client.set(key, ''))));
});

test('one that does not serve all slots is refused', async () => {
  await cluster.nodes[0]!.client().cluster('DELSLOTS', 0);
  expect(await refusal(settings())).toMatch(
    /^Redis at .* is a cluster that does not serve: has each slot a node\?$/,
  );
}, 30_000);
