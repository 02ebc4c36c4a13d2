import { planNotStored } from '../../core/errors.ts';
import type { Failure } from '../../core/failure.ts';
import type { Firing } from '../../core/firing.ts';
import type { UnixSeconds } from '../../core/time.ts';
import type { Ending } from '../life.ts';
import { settle } from '../settle.ts';
import type { Claim, ClaimResult, ClaimRoom, Recovery, Settlement } from '../store.ts';
import { type Ask, claimDue, claimParked } from './claims.ts';
import { Confirmations } from './confirmations.ts';
import { FailingPartitions } from './failing-partitions.ts';
import { HandedOut } from './handed-out.ts';
import { releaseStrays, takeOver } from './left-behind.ts';
import type { RedisStoreParts } from './open-redis-store.ts';
import type { RedisPartition } from './partition.ts';

/** How long a claim waits for the others, and how often it looks whether they are done. */
const claimPatienceMs = 2_000;
const claimAgainMs = 3;
/** How long Redis may take to tell what there is to claim; others wait meanwhile. */
const lookPatienceMs = 1_000;

/**
 * What this node has in flight: how it comes by firings, and how it is rid of them. What fails in one
 * partition is told when there is nothing else to tell, and costs nothing that was done in others.
 */
export class InFlight {
  readonly #parts: RedisStoreParts;
  readonly #handedOut = new HandedOut();
  readonly #confirmations: ReadonlyMap<RedisPartition, Confirmations>;
  /** Partitions in which it is not known what was claimed. */
  readonly #unsure = new Set<RedisPartition>();
  readonly #releasing = new Set<RedisPartition>();
  readonly #failing: FailingPartitions;
  #nextPartition = 0;
  #isClosed = false;

  constructor(parts: RedisStoreParts) {
    this.#parts = parts;
    this.#failing = new FailingPartitions(parts);
    const { clock, partitions } = parts;
    const sessionOf = (firing: Firing): string | undefined => this.#handedOut.sessionOf(firing);
    this.#confirmations = new Map(
      partitions.map((partition) => [
        partition,
        new Confirmations({ partition, clock, sessionOf }),
      ]),
    );
  }

  /** Nothing further is taken over. */
  close(): void {
    this.#isClosed = true;
    this.#failing.close();
  }

  /** Partitions that cannot be used just now. */
  get failing(): number {
    return this.#failing.size;
  }

  /** Partitions to ask of what may be claimed. */
  get usable(): readonly RedisPartition[] {
    return this.#failing.usable(this.#parts.partitions);
  }

  async claim(until: UnixSeconds, room: ClaimRoom): Promise<ClaimResult> {
    let total: ClaimResult = {
      ...{ claims: [], merged: 0, skipped: 0, misfires: 0, moved: 0, more: false },
    };
    const contended: RedisPartition[] = [];
    const isLate = ({ firing }: Claim): boolean => firing.fireTime < room.lateBefore;
    const errors = await this.#inEach(this.#inTurn(), async (partition) => {
      const { claims } = total;
      const firings = room.firings - claims.length;
      if (firings < 1) {
        total = { ...total, more: true };
        return 'enough';
      }
      const late = Math.max(0, room.late - claims.filter(isLate).length);
      // What is in hand waits for no other node.
      const patienceMs = claims.length === 0 ? claimPatienceMs : 0;
      const left = { ...room, firings, late };
      const found = await this.#claimIn(partition, until, left, patienceMs);
      if (found === undefined) contended.push(partition);
      else total = sumOf(total, found);
      return 'go on';
    });
    if (contended.length > 0) errors.push(planNotStored('other nodes claim without end'));
    if (errors.length === 0) return total;
    if (total.claims.length === 0) throw errors[0];
    return { ...total, more: true };
  }

  async claimParked(origin: string, limit: number): Promise<readonly Claim[]> {
    const { onUnclaimable } = this.#parts;
    const claims: Claim[] = [];
    const errors = await this.#inEach(this.#inTurn(), async (partition) => {
      for (let hasFound = true; hasFound && claims.length < limit;) {
        const most = limit - claims.length;
        const change = claimParked(lookIn(partition), origin, most, onUnclaimable);
        const found = await partition.change(change);
        this.#handOut(found.claims, found.session);
        claims.push(...found.claims);
        hasFound = found.hasFound;
      }
      return claims.length < limit ? 'go on' : 'enough';
    });
    if (claims.length === 0 && errors.length > 0) throw errors[0];
    return claims;
  }

  async settle(firing: Firing, settlement: Settlement): Promise<void> {
    const { key } = firing;
    const partition = this.#parts.partitionOf(key);
    const { session } = partition;
    const ending = this.#ending;
    await partition.change({
      reads: [key],
      needs: { lease: true, room: false },
      apply: (view) => {
        // A session that has lost its lease settles nothing, and neither does one that never had it.
        if (view.session === session && view.holderOf(key, firing) === session) {
          const onFailed = (failure: Failure): void => view.addFailure(failure);
          settle(view, firing, settlement, { ending, onFailed });
        }
        return () => undefined;
      },
    });
    this.#handedOut.delete(firing);
  }

  /** Undefined while its partition is left out; rejects when that has just failed. */
  async confirm(firing: Firing): Promise<boolean | undefined> {
    const partition = this.#parts.partitionOf(firing.key);
    if (this.#failing.has(partition)) return undefined;
    try {
      return await this.#confirmations.get(partition)?.of(firing);
    } catch (error) {
      void this.#failing.add(partition, error);
      throw error;
    }
  }

  /**
   * Takes over what sessions whose lease is over have left behind; answers what it was. A partition that
   * fails keeps no other from it.
   */
  async takeOver(): Promise<Recovery> {
    let reclaimed = 0;
    const givenUp: Firing[] = [];
    const { random, partitions, onUnclaimable } = this.#parts;
    const options = { ending: () => this.#ending, random, onUnclaimable };
    const errors = await this.#inEach(partitions, async (partition) => {
      for (let hasFound = true; hasFound && !this.#isClosed;) {
        const taken = await partition.change(takeOver(lookIn(partition), options));
        reclaimed += taken.reclaimed;
        givenUp.push(...taken.givenUp);
        hasFound = taken.hasFound;
      }
      return 'go on';
    });
    if (reclaimed + givenUp.length === 0 && errors.length > 0) throw errors[0];
    return { reclaimed, givenUp };
  }

  /** Partitions in which it is not known what was claimed: releaseStrays has failed. */
  get unsure(): readonly RedisPartition[] {
    return [...this.#unsure].filter((partition) => !this.#failing.has(partition));
  }

  /** Of a claim whose answer was lost: what it has in flight is released. */
  async releaseStrays(partition: RedisPartition): Promise<void> {
    this.#unsure.add(partition);
    if (this.#releasing.has(partition)) return;
    this.#releasing.add(partition);
    const isHandedOut = (member: string): boolean => this.#handedOut.has(member);
    const change = releaseStrays(partition.ask, isHandedOut, () => this.#ending);
    try {
      await partition.change(change);
      this.#unsure.delete(partition);
    } finally {
      this.#releasing.delete(partition);
    }
  }

  /** Undefined: all that time, other nodes claimed there. */
  async #claimIn(
    partition: RedisPartition,
    until: UnixSeconds,
    room: ClaimRoom,
    patienceMs: number,
  ): Promise<ClaimResult | undefined> {
    const { clock, policy, statusKeepSeconds, onUnclaimable } = this.#parts;
    const deadlineMs = clock.monotonicMs() + patienceMs;
    const options = { policy, statusKeepSeconds, onUnclaimable };
    for (;;) {
      const change = claimDue(lookIn(partition), until, room, options);
      const { result, session, busyMs } = await partition.change(change);
      if (result !== undefined) {
        this.#handOut(result.claims, session);
        return result;
      }
      if (clock.monotonicMs() >= deadlineMs) return undefined;
      await new Promise<void>((resolve) => clock.after(Math.min(busyMs, claimAgainMs), resolve));
    }
  }

  /** Partition by partition, until there is enough; one that fails keeps no other from it. Answers what failed. */
  async #inEach(
    partitions: readonly RedisPartition[],
    step: (partition: RedisPartition) => Promise<'go on' | 'enough'>,
  ): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (const partition of this.#failing.usable(partitions)) {
      // Found out with one that did.
      if (errors.length > 0 && this.#failing.has(partition)) continue;
      try {
        if ((await step(partition)) === 'enough') break;
      } catch (error) {
        await this.#failing.add(partition, error);
        errors.push(error);
      }
    }
    return errors;
  }

  #handOut(claims: readonly Claim[], session: string): void {
    for (const { firing } of claims) this.#handedOut.add(firing, session);
  }

  /** All partitions, each time from another one on. */
  #inTurn(): readonly RedisPartition[] {
    const { partitions } = this.#parts;
    const first = this.#nextPartition++ % partitions.length;
    return [...partitions.slice(first), ...partitions.slice(0, first)];
  }

  get #ending(): Ending {
    const { dueClock, statusKeepSeconds } = this.#parts;
    return { now: dueClock.now(), statusKeepSeconds };
  }
}

const lookIn =
  (partition: RedisPartition): Ask =>
  (name, args) =>
    partition.ask(name, args, lookPatienceMs);

const sumOf = (a: ClaimResult, b: ClaimResult): ClaimResult => ({
  claims: [...a.claims, ...b.claims],
  merged: a.merged + b.merged,
  skipped: a.skipped + b.skipped,
  misfires: a.misfires + b.misfires,
  moved: a.moved + b.moved,
  more: a.more || b.more,
});
