import type { Counters } from '../metrics/counters.ts';
import type { Claim, Store } from '../stores/store.ts';
import type { BoundedLog } from './bounded-log.ts';
import type { EndedPlans } from './ended-plans.ts';
import { ParkedOrigins } from './parked-origins.ts';

/** Origins fetched for at once: they share a durable step. */
const together = 16;
/** Where several nodes park in one store, each looks so often for what the others have left there. */
const sweepsBetweenLooks = 10;

export interface ParkingDeps {
  readonly store: Store;
  readonly counters: Counters;
  readonly log: BoundedLog;
  readonly ended: EndedPlans;
  /** How many parked firings of the origin may be taken into memory now. */
  readonly roomOf: (origin: string) => number;
  readonly take: (claims: readonly Claim[]) => void;
  /** Called when a fetch has ended. */
  readonly onFetched: () => void;
}

/** Firings that wait in the store for their origin, and how they come back when it has room again. */
export class Parking {
  readonly #deps: ParkingDeps;
  readonly #origins: ParkedOrigins;
  /** Origins under way to be fetched: one fetch at a time each, or together they pass its room. */
  readonly #fetching = new Set<string>();
  #isSweeping = false;
  #sweeps = 0;
  /** Firings that are being fetched. */
  #coming = 0;

  constructor(deps: ParkingDeps) {
    this.#deps = deps;
    this.#origins = new ParkedOrigins((after, limit) => deps.store.parkedOrigins(after, limit));
  }

  /** Firings that are being fetched. */
  get coming(): number {
    return this.#coming;
  }

  /** Origins known to have something parked; there may be more than are known. */
  get origins(): number {
    return this.#origins.size;
  }

  /** Something of the origin is parked: what comes later parks behind it, to keep the order. */
  has(origin: string): boolean {
    return this.#origins.has(origin);
  }

  isFetching(origin: string): boolean {
    return this.#fetching.has(origin);
  }

  /** Notes that a firing of the origin is being parked. */
  add(origin: string): void {
    this.#deps.counters.add('parked_count');
    // Once a minute: a busy origin may park and be fetched for many times a second.
    this.#deps.log.warn(origin, 'target_overloaded', { origin }, 1);
    this.#origins.add(origin);
  }

  /** Notes that it is parked now: an origin that was looked at before it was durable is looked at again. */
  parked(origin: string): void {
    this.#origins.add(origin);
  }

  /** Fetches for every origin that has room; to be called at each tick. */
  async sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    this.#sweeps += 1;
    const isShared = this.#deps.store.confirm !== undefined;
    if (isShared && this.#sweeps % sweepsBetweenLooks === 0) this.#origins.lookAgain();
    try {
      await this.#origins.readOn();
    } catch (error) {
      // What is known is fetched all the same.
      this.#failed(error);
    }
    try {
      const origins = [...this.#origins];
      for (let from = 0; from < origins.length; from += together) {
        // Each by itself: one that cannot be read keeps no other waiting.
        await Promise.all(origins.slice(from, from + together).map((origin) => this.fetch(origin)));
      }
    } finally {
      this.#isSweeping = false;
    }
  }

  /** Fetches for one origin, of which a run has ended. */
  async fetch(origin: string): Promise<void> {
    try {
      await this.#fetch(origin);
    } catch (error) {
      this.#failed(error);
    }
  }

  async #fetch(origin: string): Promise<void> {
    const { ended, onFetched, roomOf, store, take } = this.#deps;
    if (!this.has(origin) || this.#fetching.has(origin)) return;
    const wanted = Math.floor(roomOf(origin));
    if (wanted < 1) return;
    this.#coming += wanted;
    this.#fetching.add(origin);
    // Out of the list before asking: whoever parks meanwhile puts the origin back.
    this.#origins.delete(origin);
    try {
      await ended.whileClaiming(async () => {
        const claims = await store.claimParked(origin, wanted);
        if (claims.length > 0) this.#origins.add(origin);
        this.#deps.counters.add('unparked_count', claims.length);
        take(claims);
      });
    } catch (error) {
      this.#origins.add(origin);
      throw error;
    } finally {
      this.#coming -= wanted;
      this.#fetching.delete(origin);
      onFetched();
    }
  }

  #failed(error: unknown): void {
    this.#deps.counters.add('store_error_count');
    this.#deps.log.error('store', 'parked_not_read', { error: String(error) });
  }
}
