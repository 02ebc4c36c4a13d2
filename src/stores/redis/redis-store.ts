import { planExists, quote } from '../../core/errors.ts';
import type { ListedFailure } from '../../core/failure.ts';
import type { Firing } from '../../core/firing.ts';
import type { AgendaPlace, Plan, PlanDraft } from '../../core/plan.ts';
import { policyOf } from '../../core/policy.ts';
import type { Clock, UnixSeconds } from '../../core/time.ts';
import { begun, triggered } from '../life.ts';
import type {
  Claim,
  ClaimResult,
  ClaimRoom,
  PutOptions,
  Recovery,
  Settlement,
  Store,
} from '../store.ts';
import { unreadPlan } from '../unread-plan.ts';
import { InFlight } from './in-flight.ts';
import type { RedisPartition } from './partition.ts';
import { PlanPages } from './plan-pages.ts';
import type { RedisStoreParts } from './open-redis-store.ts';

/** Of a plan that cannot be read: later than any. */
const unknownGeneration = Number.MAX_SAFE_INTEGER - 1;

/** The store of several nodes; see docs/design.md for its way of working, keys.ts for what it keeps where. */
export class RedisStore implements Store {
  readonly #parts: RedisStoreParts;
  readonly #pages: PlanPages;
  readonly #inFlight: InFlight;
  #recovery: Recovery = { reclaimed: 0, givenUp: [] };
  #isClosed = false;

  constructor(parts: RedisStoreParts) {
    this.#parts = parts;
    this.#pages = new PlanPages(parts);
    this.#inFlight = new InFlight(parts);
  }

  get recovery(): Recovery {
    return this.#recovery;
  }

  /** Under which it holds now what it has in flight in each partition. */
  get sessions(): readonly string[] {
    return this.#parts.partitions.map(({ session }) => session);
  }

  get clock(): Clock {
    return this.#parts.dueClock;
  }

  now(): UnixSeconds {
    return this.#parts.dueClock.now();
  }

  async put(
    draft: PlanDraft,
    firstFireTime: UnixSeconds,
    { onlyIfAbsent = false, past }: PutOptions = {},
  ): Promise<Plan> {
    const { key } = draft;
    requireStorableKey(key);
    const now = this.now();
    return this.#parts.partitionOf(key).change({
      reads: [key],
      makesPlan: true,
      needs: { lease: false, room: true },
      apply: (view) => {
        const isThere = view.isUnreadable(key) || view.plan(key) !== undefined;
        if (onlyIfAbsent && isThere) throw planExists(key);
        const plan = begun(draft, view.nextGeneration(), now, firstFireTime, past);
        view.set(key, plan);
        return () => plan;
      },
    });
  }

  remove(key: string): Promise<Plan | undefined> {
    return this.#parts.partitionOf(key).change({
      reads: [key],
      needs: { lease: false, room: false },
      apply: (view) => {
        const plan = view.isUnreadable(key)
          ? unreadPlan(key, unknownGeneration, this.now())
          : view.plan(key);
        if (plan !== undefined) view.set(key, undefined);
        return () => plan;
      },
    });
  }

  trigger(key: string): Promise<Firing | undefined> {
    const now = this.now();
    return this.#parts.partitionOf(key).change({
      reads: [key],
      needs: { lease: false, room: true },
      apply: (view) => {
        const plan = view.plan(key);
        if (plan === undefined) return () => undefined;
        const policy = policyOf(plan.params, this.#parts.policy);
        const { plan: after, firing } = triggered(plan, policy, now);
        view.set(key, after);
        return () => firing;
      },
    });
  }

  get(key: string): Promise<Plan | undefined> {
    return this.#pages.get(key);
  }

  getMany(keys: readonly string[]): Promise<readonly Plan[]> {
    return this.#pages.getMany(keys);
  }

  keys(prefix: string, limit: number, after?: string): Promise<readonly string[]> {
    return this.#pages.keys(prefix, limit, after);
  }

  agenda(
    from: UnixSeconds,
    to: UnixSeconds,
    limit: number,
    after?: AgendaPlace,
  ): Promise<readonly Plan[]> {
    return this.#pages.agenda(from, to, limit, after);
  }

  planCount(): number {
    return this.#parts.partitions.reduce((sum, { planCount }) => sum + planCount, 0);
  }

  claim(until: UnixSeconds, room: ClaimRoom): Promise<ClaimResult> {
    return this.#inFlight.claim(until, room);
  }

  claimParked(origin: string, limit: number): Promise<readonly Claim[]> {
    return this.#inFlight.claimParked(origin, limit);
  }

  parkedOrigins(after: string | undefined, limit: number): Promise<readonly string[]> {
    return this.#pages.parkedOrigins(this.#inFlight.usable, after, limit);
  }

  settle(firing: Firing, settlement: Settlement): Promise<void> {
    return this.#inFlight.settle(firing, settlement);
  }

  confirm(firing: Firing): Promise<boolean | undefined> {
    return this.#inFlight.confirm(firing);
  }

  failures(prefix: string, limit: number, before?: number): Promise<readonly ListedFailure[]> {
    return this.#pages.failures(prefix, limit, before);
  }

  trouble(): string | undefined {
    const { runner, partitions } = this.#parts;
    const { failing } = this.#inFlight;
    // While some partitions can be used, this node is of use.
    const isAway = failing > 0 ? failing === partitions.length : runner.isAway;
    return isAway ? 'Redis does not answer' : undefined;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inFlight.close();
    await Promise.all(this.#parts.partitions.map((partition) => partition.idle()));
    await this.#parts.close();
  }

  takeOver(): Promise<Recovery> {
    return this.#inFlight.takeOver();
  }

  /** In which it is not known what was claimed: releaseStrays has failed. */
  get unsure(): readonly RedisPartition[] {
    return this.#inFlight.unsure;
  }

  releaseStrays(partition: RedisPartition): Promise<void> {
    return this.#inFlight.releaseStrays(partition);
  }

  /** At open, before anything is claimed. */
  async recover(): Promise<void> {
    this.#recovery = await this.takeOver();
  }
}

/** The doors refuse such keys; here one would be mistaken for part of another entry. */
function requireStorableKey(key: string): void {
  if (key === '' || key.includes('\0')) throw new TypeError(`${quote(key)} is no key of a plan`);
}
