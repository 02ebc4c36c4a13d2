import { setTimeout as sleep } from 'node:timers/promises';

import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';

import { addSeconds } from '../../src/core/time.ts';
import type { ScriptName } from '../../src/stores/redis/scripts.ts';
import type { RedisStore } from '../../src/stores/redis/redis-store.ts';
import type { Claim, Store } from '../../src/stores/store.ts';
import { room } from '../contract/store.ts';
import { eventually, eventuallyPasses } from '../support/eventually.ts';
import { aDraft, T0 } from '../support/plans.ts';
import { aRedis } from '../support/redis-nodes.ts';
import { aSharedStore, asksFor, type SharedStoreOptions } from '../support/shared-store.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const base = '{forsun:0:0}:';
const due = addSeconds(T0, 30);
const oneShot = {
  count: 1,
  schedule: { kind: 'interval', everySeconds: 30, fields: { second: 30 } },
} as const;

let redis: Redis;
let proxy: TcpProxy;

beforeEach(async () => {
  const server = await aRedis();
  redis = server.client();
  proxy = await TcpProxy.open(server.port);
});

const behindProxy = (options: Omit<SharedStoreOptions, 'port'> = {}): Promise<RedisStore> =>
  aSharedStore({ port: proxy.port, ...options });
const claimAll = async (store: Store): Promise<readonly Claim[]> =>
  (await store.claim(due, room(due))).claims;

/** The reply to the next script of that name is lost, and all that follows on its connection. */
function loseReply(name: ScriptName, meanwhile?: () => Promise<void>): void {
  proxy.onRequest = (bytes) => {
    if (!asksFor(bytes, name)) return 'passes';
    proxy.onRequest = () => 'passes';
    proxy.onReply = () => {
      proxy.onReply = () => 'is_lost';
      void (meanwhile?.() ?? Promise.resolve()).then(() => {
        proxy.heal();
        proxy.cutClients();
      });
      return 'is_lost';
    };
    return 'passes';
  };
}

test('a plan is made once, though the reply to its write was lost', async () => {
  const store = await behindProxy();
  await store.put(aDraft({ key: 'before' }), due);
  loseReply('write');
  const plan = await store.put(aDraft({ key: 'k', ...oneShot }), due);
  expect(await store.get('k')).toEqual(plan);
  expect(await redis.get(`${base}count`)).toBe('2');
  expect(await redis.get(`${base}generation`)).toBe('2');
  const claims = await claimAll(store);
  expect(claims.map(({ firing }) => firing.key).toSorted()).toEqual(['before', 'k']);
});

test('a plan is triggered and removed once, though the replies to the writes were lost', async () => {
  const store = await behindProxy();
  await store.put(aDraft({ key: 'k' }), due);
  loseReply('write');
  expect(await store.trigger('k')).toMatchObject({ trigger: 1 });
  expect((await store.get('k'))?.unfinished).toHaveLength(1);
  loseReply('write');
  expect(await store.remove('k')).toMatchObject({ key: 'k' });
  expect(await redis.get(`${base}count`)).toBe('0');
});

test('a firing is handed out once, though the reply to its claim was lost', async () => {
  const store = await behindProxy();
  await store.put(aDraft({ key: 'k', ...oneShot }), due);
  loseReply('write');
  const [claim, ...others] = await claimAll(store);
  expect(others).toEqual([]);
  expect(claim?.firing).toMatchObject({ key: 'k', attempt: 1 });
  expect(await store.confirm(claim!.firing)).toBe(true);
  expect(await claimAll(store)).toEqual([]);
  loseReply('write');
  await store.settle(claim!.firing, { kind: 'done' });
  expect(await store.get('k')).toBeUndefined();
});

test.for([
  ['its answer was late', 1_000],
  ['Redis was away for long', 6_000],
] as const)(
  'what was claimed for somebody who waits no more is released, and fires: %s',
  async ([, awayMs]) => {
    const store = await behindProxy({ patienceMs: 300, leaseSeconds: 30 });
    await store.put(aDraft({ key: 'k', ...oneShot }), due);
    let isAway = false;
    proxy.onRequest = (bytes) => {
      isAway ||= asksFor(bytes, 'write');
      return 'passes';
    };
    proxy.onReply = () => (isAway ? 'waits' : 'passes');
    await expect(claimAll(store)).rejects.toMatchObject({ code: 'plan_not_stored' });
    await sleep(awayMs);
    proxy.heal();
    const [claim] = await eventuallyPasses(async () => {
      const claims = await claimAll(store);
      expect(claims).toHaveLength(1);
      return claims;
    });
    expect(claim?.firing).toMatchObject({ key: 'k', attempt: 1 });
    expect(await store.confirm(claim!.firing)).toBe(true);
  },
);

test('a claim does not wait as long as changes do behind one that is not answered', async () => {
  const store = await behindProxy();
  proxy.onReply = () => 'waits';
  const put = store.put(aDraft({ key: 'k' }), due).catch(() => 'put');
  await sleep(0); // so that they do not share a group
  const claim = claimAll(store).catch(() => 'claim');
  expect(await Promise.race([put, claim])).toBe('claim');
  expect(await put).toBe('put');
});

test('a write that arrives after later ones of its session changes nothing', async () => {
  const store = await behindProxy();
  await store.put(aDraft({ key: 'other' }), due);
  proxy.onRequest = (bytes) => {
    if (!asksFor(bytes, 'write')) return 'passes';
    // Its connection is lost on the way, with what was sent on it.
    proxy.onRequest = () => 'passes';
    setImmediate(() => proxy.cutClients());
    return 'waits';
  };
  await store.put(aDraft({ key: 'k' }), due);
  expect(await store.remove('k')).toMatchObject({ key: 'k' });
  proxy.heal();
  await redis.ping();
  await sleep(100);
  expect(await store.get('k')).toBeUndefined();
  expect(await redis.get(`${base}count`)).toBe('1');
});

test('a write that arrives after its session was forgotten changes nothing', async () => {
  const store = await behindProxy({ patienceMs: 300 });
  await store.put(aDraft({ key: 'other' }), due);
  proxy.onRequest = (bytes) => (asksFor(bytes, 'write') ? 'waits' : 'passes');
  await expect(store.put(aDraft({ key: 'k' }), due)).rejects.toThrow();
  // As another node does it when the lease is over.
  const [session = ''] = await redis.zrange(`${base}sessions`, '0', '-1');
  await redis.zrem(`${base}sessions`, session);
  await redis.hdel(`${base}replies`, session);
  proxy.heal();
  await sleep(100);
  expect(await redis.get(`${base}count`)).toBe('1');
  expect(await store.put(aDraft({ key: 'k' }), due)).toMatchObject({ key: 'k' });
});

test('what is claimed while the lease is lost is held under the new one, or not at all', async () => {
  const store = await behindProxy({ leaseSeconds: 5 });
  await store.put(aDraft({ key: 'k', ...oneShot }), due);
  const asked = new Set<ScriptName>();
  proxy.onRequest = (bytes) => {
    for (const name of ['look', 'renew'] as const) if (asksFor(bytes, name)) asked.add(name);
    return 'passes';
  };
  // The look is under way when the node is told that its lease is lost.
  proxy.onReply = () => (asked.has('renew') ? 'waits' : 'passes');
  await redis.del(`${base}sessions`);
  await eventually(() => asked.has('renew'));
  const claimed = claimAll(store);
  await eventually(() => asked.has('look'));
  await sleep(100);
  proxy.heal();
  const claims = [...(await claimed), ...(await claimAll(store))];
  expect(claims).toHaveLength(1);
  expect(await store.confirm(claims[0]!.firing)).toBe(true);
});

test('what somebody has in hand stays there when the answer to another claim is lost', async () => {
  const store = await behindProxy({ patienceMs: 300 });
  await store.put(aDraft({ key: 'k', ...oneShot }), due);
  const [first] = await claimAll(store);
  await redis.zadd(`${base}sessions`, 0, store.sessions[0]!);
  const [again] = await eventuallyPasses(async () => {
    await store.takeOver();
    const claims = await claimAll(store);
    expect(claims).toHaveLength(1);
    return claims;
  });
  expect(again!.firing).toMatchObject({ key: 'k', attempt: 2 });
  // The end of its first attempt says nothing of its second.
  await store.settle(first!.firing, { kind: 'done' });

  await store.put(aDraft({ key: 'other', ...oneShot }), due);
  await claimInVain(store);
  const [other] = await eventuallyPasses(async () => {
    const claims = await claimAll(store);
    expect(claims).toHaveLength(1);
    return claims;
  });
  expect(other!.firing).toMatchObject({ key: 'other', attempt: 1 });
  const confirmed = await Promise.all(
    [first!, again!, other!].map(({ firing }) => store.confirm(firing)),
  );
  expect(confirmed).toEqual([false, true, true]);
});

test('what was in hand before is released when the answer to its next claim is lost', async () => {
  const store = await behindProxy({ patienceMs: 300 });
  await store.put(aDraft({ key: 'k', ...oneShot }), due);
  const [first] = await claimAll(store);
  await store.settle(first!.firing, { kind: 'released' });
  await claimInVain(store);
  const [again] = await eventuallyPasses(async () => {
    const claims = await claimAll(store);
    expect(claims).toHaveLength(1);
    return claims;
  });
  expect(again!.firing).toEqual(first!.firing);
});

/** Its answer comes when nobody waits for it any more. */
async function claimInVain(store: Store): Promise<void> {
  let isAway = false;
  proxy.onRequest = (bytes) => {
    isAway ||= asksFor(bytes, 'write');
    return 'passes';
  };
  proxy.onReply = () => (isAway ? 'waits' : 'passes');
  await expect(claimAll(store)).rejects.toMatchObject({ code: 'plan_not_stored' });
  proxy.heal();
}

test.for(['put', 'trigger', 'remove'] as const)(
  'a %s of which nobody knows any more whether it was done is neither done again nor denied',
  async (what) => {
    const store = await behindProxy();
    await store.put(aDraft({ key: 'k' }), due);
    loseReply('write', async () => {
      // As another node does it when the lease is over.
      const [session = ''] = await redis.zrange(`${base}sessions`, '0', '-1');
      await redis.zrem(`${base}sessions`, session);
      await redis.hdel(`${base}replies`, session);
    });
    const changes = {
      put: () => store.put(aDraft({ key: 'new' }), due, { onlyIfAbsent: true }),
      trigger: () => store.trigger('k'),
      remove: () => store.remove('k'),
    };
    await expect(changes[what]()).rejects.toMatchObject({ code: 'plan_not_stored' });
    const unfinished = { put: 0, trigger: 1, remove: undefined }[what];
    expect((await store.get('k'))?.unfinished.length).toBe(unfinished);
    // It goes on under its next lease.
    await store.put(aDraft({ key: 'after' }), due);
  },
);
