import type { FiringName } from '../../core/firing.ts';
import type { StoredPlan } from '../stored-plan.ts';
import type { Memory } from './group-commit.ts';
import { unfinishedAt } from '../life.ts';
import type { NearAgenda } from './near-agenda.ts';
import type { ParkedStarts } from './parked.ts';

/**
 * What the store remembers of the disk, kept current by every commit. It grows with what is near and with
 * what is in flight, not with what is stored.
 */
export class StoreMemory implements Memory {
  readonly #near: NearAgenda;
  readonly #parkedStarts: ParkedStarts;
  /** Plans with firings that this process has handed out. */
  readonly #inFlight = new Map<string, StoredPlan>();

  constructor(near: NearAgenda, parkedStarts: ParkedStarts) {
    this.#near = near;
    this.#parkedStarts = parkedStarts;
  }

  find(key: string): StoredPlan | undefined {
    return this.#inFlight.get(key) ?? this.#near.find(key);
  }

  update(key: string, plan: StoredPlan | undefined): void {
    this.#near.update(key, plan);
    let isInFlight = false;
    for (const firing of plan?.unfinished ?? []) {
      const { state } = firing;
      if (state.kind === 'in_flight') isInFlight = true;
      if (state.kind === 'parked') this.#parkedStarts.parked({ origin: state.origin, key, firing });
    }
    if (isInFlight && plan !== undefined) this.#inFlight.set(key, plan);
    else this.#inFlight.delete(key);
  }

  forget(): void {
    this.#near.forget();
    this.#parkedStarts.forget();
  }

  /** Whom this process gave that firing, and who has not ended it yet. */
  isHandedOut({ key, generation }: StoredPlan, firing: FiringName): boolean {
    const plan = this.#inFlight.get(key);
    if (plan?.generation !== generation) return false;
    return unfinishedAt(plan, firing, 'in_flight') !== undefined;
  }

  /** Keeps of the plans in flight those that the disk has so too. */
  keepInFlight(plans: ReadonlyMap<string, StoredPlan>): void {
    for (const key of [...this.#inFlight.keys()]) {
      const plan = plans.get(key);
      if (plan === undefined) this.#inFlight.delete(key);
      else this.#inFlight.set(key, plan);
    }
  }
}
