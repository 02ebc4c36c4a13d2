import { crc32 } from 'node:zlib';

import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Firing, fireId } from '../../../src/core/firing.ts';
import { silentLog } from '../../../src/core/log.ts';
import { addSeconds, type UnixSeconds } from '../../../src/core/time.ts';
import { openRedisStore } from '../../../src/stores/redis/open-redis-store.ts';
import type { RedisStore } from '../../../src/stores/redis/redis-store.ts';
import type { Settlement } from '../../../src/stores/store.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { room } from '../../contract/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { aDraft, T0 } from '../../support/plans.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { confirmed } from '../../support/shared-store.ts';

const nodeNumbers = [0, 1] as const;
const keys = ['a', 'b'];
const firings = 3;
const everySeconds = 5;

type Step =
  | { readonly do: 'put' | 'remove' | 'trigger'; readonly node: number; readonly key: string }
  | { readonly do: 'claim'; readonly node: number; readonly most: number }
  | { readonly do: 'claimParked' | 'takeOver'; readonly node: number }
  | { readonly do: 'run'; readonly which: number }
  | { readonly do: 'settle'; readonly which: number; readonly how: Settlement['kind'] };

/** In every partition, or in one of them. */
interface Loss {
  readonly node: number;
  readonly partition: number | undefined;
}

/** What happens at once; then leases of a node may end, and time goes on. */
interface Round {
  readonly steps: readonly Step[];
  readonly loses: Loss | undefined;
  readonly passSeconds: number;
}

const node = fc.constantFrom(...nodeNumbers);
const key = fc.constantFrom(...keys);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), node, key }) },
  fc.record({ do: fc.constantFrom('remove' as const, 'trigger' as const), node, key }),
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('claim' as const), node, most: fc.constantFrom(1, 9) }),
  },
  fc.record({ do: fc.constantFrom('claimParked' as const, 'takeOver' as const), node }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('run' as const), which: fc.nat() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(),
      how: fc.constantFrom('done', 'failed', 'retry', 'released', 'parked'),
    }),
  },
);
const loss: fc.Arbitrary<Loss> = fc.record({
  node,
  partition: fc.option(fc.nat({ max: 2 }), { nil: undefined }),
});
const rounds: fc.Arbitrary<readonly Round[]> = fc.array(
  fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 5 }),
    loses: fc.option(loss, { freq: 5, nil: undefined }),
    passSeconds: fc.integer({ min: 0, max: 8 }),
  }),
  { maxLength: 12 },
);

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.client();
});
afterAll(() => server.stop());

/** Two nodes over one Redis, and what was handed out by whom. */
class Rig {
  readonly clock = new FakeClock(T0);
  readonly #partitions: number;
  readonly #nodes: { readonly store: RedisStore; readonly held: Map<string, Firing> }[] = [];
  /** What nodes had when their leases ended. */
  readonly stale: { readonly store: RedisStore; readonly firing: Firing }[] = [];
  /** Due times that have ended, by plan and generation. */
  readonly ended = new Map<string, UnixSeconds[]>();
  readonly first = new Map<string, UnixSeconds>();
  readonly removed = new Set<string>();
  /** Attempts that were confirmed to somebody who then ran them; each at most once. */
  readonly #run = new Set<string>();
  /** Firings that are being confirmed, or run: they end, and are not given back. */
  readonly #started = new Set<Firing>();

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  async open(): Promise<void> {
    await redis.flushall();
    for (const _ of nodeNumbers) {
      const store = await openRedisStore({
        redis: { client: redis, prefix: 'laws', serverId: 0, partitions: this.#partitions },
        ...{ clock: systemClock, dueClock: this.clock, log: silentLog, random: () => 0 },
        ...{ statusKeepSeconds: 0, leaseSeconds: 300 },
      });
      this.#nodes.push({ store, held: new Map() });
    }
  }

  async close(): Promise<void> {
    for (const { store } of this.#nodes) await store.close();
  }

  async play({ steps, loses, passSeconds }: Round): Promise<void> {
    await Promise.all(steps.map((one) => this.#step(one)));
    await this.judge();
    if (loses !== undefined) await this.#lose(loses);
    await this.clock.set(addSeconds(this.clock.now(), passSeconds));
  }

  /** Only what is handed out, and whose plan is there, is confirmed, and to its holder alone. */
  async judge(): Promise<void> {
    const live = await this.#generations();
    for (const [at, { store, held }] of this.#nodes.entries()) {
      const all = [...held.values()];
      const expected = all.map(({ key, generation }) => live.get(key) === generation);
      expect(await confirmed(store, all), `node ${at}`).toEqual(expected);
      for (const other of this.#nodes.filter((one) => one.store !== store)) {
        expect(await confirmed(other.store, all)).toEqual(all.map(() => false));
        expect(all.filter((firing) => other.held.has(fireId(firing)))).toEqual([]);
      }
    }
    // Though the node may hold it anew, as a later attempt.
    for (const { store, firing } of this.stale) expect(await store.confirm(firing)).toBe(false);
  }

  /** Lets everything end: each due time of each plan that is left has ended once. */
  async finish(): Promise<void> {
    for (let left = 40; left > 0 && (await this.#isBusy()); left--) {
      for (const { store, held } of this.#nodes) {
        await store.takeOver();
        for (const claim of await store.claimParked('o', 100)) this.#take(store, claim.firing);
        await this.#step({ do: 'claim', node: this.#nodeOf(store), most: 100 });
        for (const firing of [...held.values()]) await this.#settle(store, firing, 'done');
      }
      await this.clock.set(addSeconds(this.clock.now(), 100));
    }
    for (const [plan, first] of this.first) {
      if (this.removed.has(plan)) continue;
      const due = Array.from({ length: firings }, (_, n) => addSeconds(first, n * everySeconds));
      expect(
        this.ended.get(plan)?.toSorted((a, b) => a - b),
        plan,
      ).toEqual(due);
    }
    expect(await this.#nodes[0]!.store.keys('', 10)).toEqual([]);
  }

  async #step(one: Step): Promise<void> {
    if (one.do === 'settle') {
      const all = this.#nodes.flatMap(({ store, held }) =>
        [...held.values()].map((firing) => ({ store, firing, isStale: false })),
      );
      const stale = this.stale.map((given) => ({ ...given, isStale: true }));
      const chosen = [...all, ...stale][one.which % Math.max(1, all.length + stale.length)];
      if (chosen === undefined) return;
      if (chosen.isStale)
        await chosen.store.settle(chosen.firing, this.#settlement(one.how, chosen.firing));
      else await this.#settle(chosen.store, chosen.firing, one.how);
      return;
    }
    if (one.do === 'run') return this.#runOne(one.which);
    const { store } = this.#nodes[one.node]!;
    const now = this.clock.now();
    switch (one.do) {
      case 'put': {
        const first = addSeconds(now, everySeconds);
        const params = new Map([
          ['forsun.misfire', 'fire_all'],
          ['forsun.max_unfinished', '100'],
        ]);
        const schedule = { kind: 'interval', everySeconds, fields: {} } as const;
        const draft = aDraft({ key: one.key, count: firings, schedule, params });
        const plan = await store.put(draft, first);
        this.first.set(`${one.key}:${plan.generation}`, first);
        return;
      }
      case 'remove': {
        const plan = await store.remove(one.key);
        if (plan !== undefined) this.removed.add(`${one.key}:${plan.generation}`);
        return;
      }
      case 'trigger':
        await store.trigger(one.key);
        return;
      case 'claim': {
        const { claims } = await store.claim(now, room(now, { firings: one.most }));
        for (const { firing } of claims) this.#take(store, firing);
        return;
      }
      case 'claimParked':
        for (const { firing } of await store.claimParked('o', 5)) this.#take(store, firing);
        return;
      case 'takeOver':
        await store.takeOver();
        return;
      default:
        one satisfies never;
    }
  }

  /** As a dispatcher does it, of something that is in hand or was. */
  async #runOne(which: number): Promise<void> {
    const inHand = this.#nodes.flatMap(({ store, held }) =>
      [...held.values()].map((firing) => ({ store, firing })),
    );
    const all = [...inHand, ...this.stale].filter(({ firing }) => !this.#started.has(firing));
    const chosen = all[which % Math.max(1, all.length)];
    if (chosen === undefined) return;
    const { store, firing } = chosen;
    this.#started.add(firing);
    if (!(await store.confirm(firing))) return;
    const attempt = `${fireId(firing)}#${firing.attempt}`;
    expect(this.#run, `${attempt} runs twice`).not.toContain(attempt);
    this.#run.add(attempt);
  }

  #take(store: RedisStore, firing: Firing): void {
    const { held } = this.#nodes[this.#nodeOf(store)]!;
    expect(held.has(fireId(firing)), `${fireId(firing)} twice`).toBe(false);
    held.set(fireId(firing), firing);
  }

  async #settle(store: RedisStore, firing: Firing, how: Settlement['kind']): Promise<void> {
    const { held } = this.#nodes[this.#nodeOf(store)]!;
    // Off our hands before: what is released may be handed out again before we hear of it.
    if (!held.delete(fireId(firing))) return;
    const settlement = this.#settlement(how, firing);
    await store.settle(firing, settlement);
    const hasEnded = settlement.kind === 'done' || settlement.kind === 'failed';
    if (!hasEnded || firing.trigger !== undefined) return;
    const plan = `${firing.key}:${firing.generation}`;
    this.ended.set(plan, [...(this.ended.get(plan) ?? []), firing.fireTime]);
  }

  #settlement(kind: Settlement['kind'], firing: Firing): Settlement {
    const isGivenBack = kind === 'released' || kind === 'parked';
    if (isGivenBack && this.#started.has(firing)) return { kind: 'done' };

    if (kind === 'failed') return { kind, reason: 'no' };
    if (kind === 'retry') return { kind, until: addSeconds(this.clock.now(), 3) };
    return kind === 'parked' ? { kind, origin: 'o' } : { kind };
  }

  /** Those leases of the node are over, and the node does not know it yet. */
  async #lose({ node: at, partition }: Loss): Promise<void> {
    const { store, held } = this.#nodes[at]!;
    for (const [n, session] of store.sessions.entries()) {
      if (partition !== undefined && partition % this.#partitions !== n) continue;
      await redis.zadd(`{laws:0:${n}}:sessions`, 0, session);
      for (const [id, firing] of held) {
        if (crc32(firing.key) % this.#partitions !== n) continue;
        this.stale.push({ store, firing });
        held.delete(id);
      }
    }
  }

  async #generations(): Promise<ReadonlyMap<string, number>> {
    const plans = await this.#nodes[0]!.store.getMany(keys);
    expect(await this.#nodes[1]!.store.getMany(keys)).toEqual(plans);
    const live = new Map(plans.map(({ key, generation }) => [key, generation]));
    // The newest of a key is there until it is removed or has ended; the others it has replaced.
    for (const key of keys) {
      const numbers = [...this.first.keys()]
        .filter((plan) => plan.startsWith(`${key}:`))
        .map((plan) => Number(plan.slice(key.length + 1)));
      const newest = Math.max(...numbers);
      for (const number of numbers.filter((one) => one !== live.get(key))) {
        const plan = `${key}:${number}`;
        if (number !== newest) this.removed.add(plan);
        else if (this.ended.get(plan)?.length !== firings) expect(this.removed).toContain(plan);
      }
    }
    return live;
  }

  async #isBusy(): Promise<boolean> {
    return (await this.#nodes[0]!.store.keys('', 1)).length > 0;
  }

  #nodeOf(store: RedisStore): number {
    return this.#nodes.findIndex((one) => one.store === store);
  }
}

describe.for([1, 3])('two nodes over one Redis, %s partitions', (partitions) => {
  test('each firing is one node’s, and each due time ends once, whatever both do at once', async () => {
    await fc.assert(
      fc.asyncProperty(rounds, async (all) => {
        const rig = new Rig(partitions);
        try {
          await rig.open();
          for (const round of all) await rig.play(round);
          await rig.finish();
        } finally {
          await rig.close();
        }
      }),
      { numRuns: 40, interruptAfterTimeLimit: 20_000 },
    );
  });
});
