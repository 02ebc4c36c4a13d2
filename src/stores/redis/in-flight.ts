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

  async claim(until: UnixSeconds, room: ClaimRoom): Promise<ClaimResult> {
    let total: ClaimResult = {
      ...{ claims: [], merged: 0, skipped: 0, misfires: 0, moved: 0, more: false },
    };
    const isLate = ({ firing }: Claim): boolean => firing.fireTime < room.lateBefore;
    for (const partition of this.#failing.usable(this.#inTurn())) {
      const firings = room.firings - total.claims.length;
      const late = room.late - total.claims.filter(isLate).length;
      const left = { ...room, firings, late: Math.max(0, late) };
      if (firings < 1) return { ...total, more: true };
      try {
        total = sumOf(total, await this.#claimIn(partition, until, left));
      } catch (error) {
        await this.#failing.add(partition, error);
        if (total.claims.length === 0) throw error;
        return { ...total, more: true };
      }
    }
    return total;
  }

  async claimParked(origin: string, limit: number): Promise<readonly Claim[]> {
    const { onUnclaimable } = this.#parts;
    const claims: Claim[] = [];
    for (const partition of this.#failing.usable(this.#inTurn())) {
      try {
        for (let hasFound = true; hasFound && claims.length < limit;) {
          const change = claimParked(
            lookIn(partition),
            origin,
            limit - claims.length,
            onUnclaimable,
          );
          const found = await partition.change(change);
          this.#handOut(found.claims, found.session);
          claims.push(...found.claims);
          hasFound = found.hasFound;
        }
      } catch (error) {
        await this.#failing.add(partition, error);
        if (claims.length === 0) throw error;
        return claims;
      }
    }
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
    const errors: unknown[] = [];
    const { random, partitions, onUnclaimable } = this.#parts;
    const options = { ending: () => this.#ending, random, onUnclaimable };
    for (const partition of this.#failing.usable(partitions)) {
      if (errors.length > 0 && this.#failing.has(partition)) continue;
      try {
        for (let hasFound = true; hasFound && !this.#isClosed;) {
          const taken = await partition.change(takeOver(lookIn(partition), options));
          reclaimed += taken.reclaimed;
          givenUp.push(...taken.givenUp);
          hasFound = taken.hasFound;
        }
      } catch (error) {
        await this.#failing.add(partition, error);
        errors.push(error);
      }
    }
    if (errors.length > 0 && reclaimed + givenUp.length === 0) throw errors[0];
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

  async #claimIn(
    partition: RedisPartition,
    until: UnixSeconds,
    room: ClaimRoom,
  ): Promise<ClaimResult> {
    const { clock, policy, statusKeepSeconds, onUnclaimable } = this.#parts;
    const deadlineMs = clock.monotonicMs() + claimPatienceMs;
    const options = { policy, statusKeepSeconds, onUnclaimable };
    for (;;) {
      const change = claimDue(lookIn(partition), until, room, options);
      const { result, session, busyMs } = await partition.change(change);
      if (result !== undefined) {
        this.#handOut(result.claims, session);
        return result;
      }
      if (clock.monotonicMs() >= deadlineMs) {
        throw planNotStored('other nodes claim without end, nothing was claimed here');
      }
      await new Promise<void>((resolve) => clock.after(Math.min(busyMs, claimAgainMs), resolve));
    }
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
