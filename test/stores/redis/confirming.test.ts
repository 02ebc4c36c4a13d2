import { beforeEach, expect, test } from 'vitest';

import { addSeconds } from '../../../src/core/time.ts';
import type { RedisStore } from '../../../src/stores/redis/redis-store.ts';
import { room } from '../../contract/store.ts';
import { eventually } from '../../support/eventually.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { aRedis } from '../../support/redis-nodes.ts';
import { aSharedStore, asksFor, confirmed } from '../../support/shared-store.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';

const due = addSeconds(T0, 5);

let proxy: TcpProxy;
let store: RedisStore;
let other: RedisStore;

beforeEach(async () => {
  const { port } = await aRedis();
  proxy = await TcpProxy.open(port);
  store = await aSharedStore({ port: proxy.port });
  other = await aSharedStore({ port });
});

async function put() {
  await store.put(aDraft({ key: 'k' }), due);
  const { claims } = await store.claim(due, room(due));
  return claims[0]!.firing;
}

test('a firing of a plan that was replaced is not confirmed, though the new one has the same due time', async () => {
  const old = await put();
  const young = await put();
  expect({ ...young, generation: 0 }).toEqual({ ...old, generation: 0 });
  expect(await confirmed(store, [old, young])).toEqual([false, true]);
});

test('an answer that is older than a second is no confirmation', async () => {
  const firing = await put();
  let asked = 0;
  proxy.onRequest = (bytes) => {
    if (asksFor(bytes, 'confirm')) asked++;
    return 'passes';
  };
  let isHealed = false;
  proxy.onReply = () => (asked > 0 && !isHealed ? 'waits' : 'passes');
  const isOurs = store.confirm(firing).catch(() => undefined);
  await eventually(() => asked === 1);
  await other.remove('k');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  isHealed = true;
  proxy.heal();
  expect(await isOurs).not.toBe(true);
  expect(await store.confirm(firing)).toBe(false);
});
