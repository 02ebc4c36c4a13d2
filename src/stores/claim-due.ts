import type { FiringName } from '../core/firing.ts';
import { advance } from '../core/misfire.ts';
import { type Policy, policyOf } from '../core/policy.ts';
import type { UnixSeconds } from '../core/time.ts';
import type { StoredPlan } from './stored-plan.ts';
import type { Claim, ClaimResult, ClaimRoom } from './store.ts';
import { advanced, type Ending, firingOf, resumed, unfinishedAt } from './life.ts';
import type { PlanView } from './plan-view.ts';

/** What stands on an agenda. */
export interface DueEntry {
  readonly due: UnixSeconds;
  readonly key: string;
  /** The firing that waits; absent for a due time and for an expiry. */
  readonly firing?: FiringName;
}

/** What a claim is to look at, earliest first. */
export interface Candidates<Entry extends DueEntry> {
  /** Due times before `lateBefore`. */
  readonly late: readonly DueEntry[];
  readonly due: readonly Entry[];
  readonly waiting: readonly Entry[];
}

/** What falls due, as far as the store knows without reading plans. */
export interface Agenda<Entry extends DueEntry> {
  /** What is due by then, as far as there is room. */
  look(until: UnixSeconds, room: ClaimRoom): Promise<Candidates<Entry>>;
  /** Something is due by then that another look would find, or might. */
  hasDue(until: UnixSeconds): boolean;
  /** Nothing comes of the entry before its plan changes. */
  drop(entry: Entry): void;
}

/** One group of a claim stays small enough not to hold up the changes behind it. */
const maxFirings = 1024;

export interface ClaimOptions {
  /** Of plans whose params say nothing else. */
  readonly policy: Policy;
  readonly statusKeepSeconds: number;
  /** A plan that cannot be claimed: it stays on disk, out of memory, and hurts no other. */
  readonly onUnclaimable: (key: string, error: unknown) => void;
}

/** Store.claim as a change: candidates by what the agenda says, judged by the plans as they stand then. */
export class ClaimDue<Entry extends DueEntry> {
  readonly #agenda: Agenda<Entry>;
  readonly #until: UnixSeconds;
  readonly #room: ClaimRoom;
  readonly #options: ClaimOptions;
  #candidates: Candidates<Entry> = { late: [], due: [], waiting: [] };
  readonly #claims: Claim[] = [];
  #merged = 0;
  #skipped = 0;
  #misfires = 0;
  #moved = 0;

  constructor(agenda: Agenda<Entry>, until: UnixSeconds, room: ClaimRoom, options: ClaimOptions) {
    this.#agenda = agenda;
    this.#until = until;
    this.#room = { ...room, firings: Math.min(room.firings, maxFirings) };
    this.#options = options;
  }

  readonly look = async (): Promise<readonly string[]> => {
    this.#candidates = await this.#agenda.look(this.#until, this.#room);
    const { late, due, waiting } = this.#candidates;
    return [...late, ...due, ...waiting].map(({ key }) => key);
  };

  apply(view: PlanView): () => ClaimResult {
    const { late, due, waiting } = this.#candidates;
    for (const entry of late) this.#guarded(entry, () => this.#claimDue(entry, view));
    let next = 0;
    for (const entry of due) {
      for (let other = waiting[next]; other !== undefined && other.due < entry.due;) {
        this.#claimNear(other, view);
        other = waiting[++next];
      }
      this.#claimNear(entry, view);
    }
    for (const entry of waiting.slice(next)) this.#claimNear(entry, view);
    return () => ({
      claims: this.#claims,
      merged: this.#merged,
      skipped: this.#skipped,
      misfires: this.#misfires,
      moved: this.#moved,
      more: this.#agenda.hasDue(this.#until),
    });
  }

  #claimNear(entry: Entry, view: PlanView): void {
    const isLeft = this.#guarded(entry, () => {
      const plan = view.plan(entry.key);
      if (entry.firing !== undefined) return this.#claimWaiting(entry, entry.firing, view);
      if (plan?.expires === entry.due) return this.#expire(entry, view);
      return this.#claimDue(entry, view);
    });
    if (!isLeft) this.#agenda.drop(entry);
  }

  /** False when the entry can leave memory, for nothing comes of it before its plan changes. */
  #claimDue({ key, due }: DueEntry, view: PlanView): boolean {
    const plan = view.plan(key);
    if (plan?.nextFireTime !== due) return false;
    const step = advance(plan, policyOf(plan.params, this.#options.policy), due, this.#until);
    if (step.waits) return false;
    const after = advanced(plan, step, this.#ending);
    this.#set(view, key, after);
    this.#merged += step.merged;
    this.#skipped += step.skipped;
    if (step.fire === undefined) return true;
    if (step.isMisfire) this.#misfires++;
    this.#take(after, { fireTime: step.fire });
    return true;
  }

  #claimWaiting({ key, due }: DueEntry, name: FiringName, view: PlanView): boolean {
    const plan = view.plan(key);
    const firing = plan && unfinishedAt(plan, name, 'waiting');
    if (plan === undefined || firing?.state.kind !== 'waiting' || firing.state.until !== due) {
      return false;
    }
    const after = resumed(plan, firing);
    this.#set(view, key, after);
    this.#take(after, name);
    return true;
  }

  #expire({ key }: DueEntry, view: PlanView): boolean {
    this.#set(view, key, undefined);
    return true;
  }

  #set(view: PlanView, key: string, plan: StoredPlan | undefined): void {
    view.set(key, plan);
    this.#moved++;
  }

  #take(plan: StoredPlan | undefined, name: FiringName): void {
    const firing = plan && unfinishedAt(plan, name, 'in_flight');
    if (plan === undefined || firing === undefined) {
      throw new TypeError('a firing was claimed that is not in flight');
    }
    this.#claims.push({ firing: firingOf(plan, firing), plan });
  }

  #guarded(entry: DueEntry, claim: () => boolean): boolean {
    try {
      return claim();
    } catch (error) {
      this.#options.onUnclaimable(entry.key, error);
      return false;
    }
  }

  get #ending(): Ending {
    return { now: this.#until, statusKeepSeconds: this.#options.statusKeepSeconds };
  }
}
