import { readFile } from 'node:fs/promises';

import type { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';

import { addSeconds } from '../../src/core/time.ts';
import type { RedisSettings } from '../../src/stores/redis/settings.ts';
import { room } from '../contract/store.ts';
import { aDraft, T0 } from '../support/plans.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { RedisServer } from '../support/redis-server.ts';
import { aSharedStore, confirmed } from '../support/shared-store.ts';

const text = await readFile(new URL('../../docs/cluster.md', import.meta.url), 'utf8');
const [, rules = ''] = /^ACL SETUSER forsun (.*)$/m.exec(text) ?? [];
const [, onCluster = ''] = /On a Redis Cluster add `([^`]*)`/.exec(text) ?? [];

/** All that a store does; that nothing of it was forbidden. */
async function lives(servers: RedisSettings['servers'], admins: readonly Redis[]): Promise<void> {
  const redis = { servers, username: 'forsun', password: { text: 'PASSWORD', file: '' } };
  const store = await aSharedStore({ redis, leaseSeconds: 5 });
  const due = addSeconds(T0, 1);
  const keys = Array.from({ length: 200 }, (_, n) => `plan-${(n * 7) % 200}`);
  await Promise.all(keys.map((key) => store.put(aDraft({ key, count: 1 }), due)));
  expect(await store.keys('', 1_000)).toHaveLength(keys.length);
  expect(await store.agenda(T0, addSeconds(T0, 10), 1_000)).toHaveLength(keys.length);
  await store.trigger('plan-1');
  const claims = [];
  while (claims.length < 100) claims.push(...(await store.claim(due, room(due))).claims);
  const firings = claims.map(({ firing }) => firing);
  expect(await confirmed(store, firings)).not.toContain(false);
  const endings = [
    { kind: 'done' },
    { kind: 'failed', reason: 'no' },
    { kind: 'retry', until: due },
    { kind: 'parked', origin: 'o' },
  ] as const;
  await Promise.all(
    firings.map((firing, n) => store.settle(firing, endings[n % endings.length] ?? endings[0])),
  );
  expect(await store.parkedOrigins(undefined, 10)).toEqual(['o']);
  expect((await store.claimParked('o', 10)).length).toBeGreaterThan(0);
  expect((await store.failures('', 10)).length).toBeGreaterThan(0);
  await Promise.all(keys.map((key) => store.remove(key)));
  await store.takeOver();
  await store.close();
  for (const admin of admins) {
    expect(await admin.acl('LOG')).toEqual([]);
  }
}

test('the user that the docs make may do all that a store does', async () => {
  const server = await RedisServer.start();
  onTestFinished(() => server.stop());
  const admin = server.client();
  await admin.call('ACL', ['SETUSER', 'forsun', ...rules.split(' ')]);
  await lives({ kind: 'one', address: { host: '127.0.0.1', port: server.port } }, [admin]);
});

test('and on a cluster, with what they add for one', { timeout: 60_000 }, async () => {
  const cluster = await RedisCluster.start();
  onTestFinished(() => cluster.stop());
  const admins = cluster.nodes.map((node) => node.client());
  for (const admin of admins) {
    await admin.call('ACL', ['SETUSER', 'forsun', ...rules.split(' '), ...onCluster.split(' ')]);
  }
  const addresses = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  await lives({ kind: 'cluster', addresses }, admins);
});
