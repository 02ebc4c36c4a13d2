import { addSeconds, type UnixSeconds } from '../../core/time.ts';
import {
  type Agenda,
  type Candidates,
  ClaimDue,
  type ClaimOptions,
  type DueEntry,
} from '../claim-due.ts';
import { firingOf, resumed, unfinishedAt } from '../life.ts';
import type { Claim, ClaimResult, ClaimRoom } from '../store.ts';
import { parkedEntryOf, timeText, treeEntryOf } from './keys.ts';
import type { Answer, Change } from './change.ts';
import type { RedisView } from './redis-view.ts';
import type { ScriptArgument } from './script-runner.ts';
import type { ScriptName } from './scripts.ts';

/** Asks a script of one partition. */
export type Ask = (
  name: ScriptName,
  args?: readonly ScriptArgument[],
) => Promise<readonly unknown[]>;

/** Firings of one claim: the scripts around it stay short, and Redis serves others between two. */
const maxFirings = 128;
/** How long one node looks and writes while others wait; over, should it die meanwhile. */
const claimingMs = 500;

const noSuchPlan = new Error('it is on the agenda, but there is no such plan');

/** Member, record, member, record… of an index; no record: the plan is not there. */
type Found = readonly (Buffer | null)[];

interface Place {
  readonly tree: string;
  readonly member: string;
  readonly entry: DueEntry;
}

/** What is due in one partition, as its script finds it. */
class RedisAgenda implements Agenda<DueEntry> {
  readonly #ask: Ask;
  readonly #view: RedisView;
  readonly #places: Place[] = [];
  #busyMs = 0;
  #hasMore = false;

  constructor(ask: Ask, view: RedisView) {
    this.#ask = ask;
    this.#view = view;
  }

  /** Where what it found stands. */
  get places(): readonly Place[] {
    return this.#places;
  }

  /** Another node claims just now, for so long at the most. */
  get busyMs(): number {
    return this.#busyMs;
  }

  async look(until: UnixSeconds, room: ClaimRoom): Promise<Candidates<DueEntry>> {
    const { firings, late, lateBefore } = room;
    const end = addSeconds(until, 1);
    const lateEnd = timeText(lateBefore < end ? lateBefore : end);
    const limits = [this.#view.session, claimingMs, firings, late, lateEnd, timeText(end)];
    const [busyMs, more, ...found] = await this.#ask('look', limits);
    this.#busyMs = Number(busyMs);
    if (this.#busyMs > 0) return { late: [], due: [], waiting: [] };
    const [lates = [], dues = [], waitings = []] = found as Found[];
    const lateEntries = this.#entries('due', lates);
    const { due, waiting } = earliest(
      this.#entries('due', dues),
      this.#entries('waiting', waitings),
      firings - lateEntries.length,
    );
    const left = (dues.length + waitings.length) / 2 - due.length - waiting.length;
    this.#hasMore = more === 1 || left > 0;
    const places = [...lateEntries, ...due, ...waiting];
    this.#places.push(...places);
    return { late: entriesOf(lateEntries), due: entriesOf(due), waiting: entriesOf(waiting) };
  }

  hasDue(): boolean {
    return this.#hasMore;
  }

  drop(): void {
    // Whatever has not moved is told by `places`, once the claim is applied.
  }

  #entries(tree: string, found: Found): Place[] {
    return membersOf(found, (member) => treeEntryOf(member).key, this.#view).map((member) => ({
      ...{ tree, member, entry: treeEntryOf(member) },
    }));
  }
}

/** What a claim came to; without a result another node claims just now, for so long at the most. */
export interface ClaimOutcome {
  readonly result?: ClaimResult;
  /** Under which it was claimed. */
  readonly session: string;
  readonly busyMs: number;
}

/** Store.claim, in one partition, as a change. */
export function claimDue(
  ask: Ask,
  until: UnixSeconds,
  room: ClaimRoom,
  options: ClaimOptions,
): Change<ClaimOutcome> {
  let agenda: RedisAgenda | undefined;
  let claim: ClaimDue<DueEntry> | undefined;
  const broken = new Set<string>();
  return {
    needs: { lease: true, room: false },
    look: async (view) => {
      agenda = new RedisAgenda(ask, view);
      const bounded = { ...room, firings: Math.min(room.firings, maxFirings) };
      claim = new ClaimDue(agenda, until, bounded, {
        ...options,
        onUnclaimable: (key, error) => {
          broken.add(key);
          options.onUnclaimable(key, error);
        },
      });
      await claim.look();
    },
    apply: (view): Answer<ClaimOutcome> => {
      if (claim === undefined || agenda === undefined) throw new TypeError('it has not looked');
      const { busyMs, places } = agenda;
      const { session } = view;
      if (busyMs > 0) return () => ({ session, busyMs });
      const answer = claim.apply(view);
      // Due times that come right after those that were taken.
      const hasNext = places.some(({ entry: { key } }) => {
        const next = view.isStaged(key) ? view.plan(key)?.nextFireTime : undefined;
        return next !== undefined && next <= until;
      });
      const unmoved = places.filter(({ entry }) => !view.isStaged(entry.key));
      for (const place of unmoved) {
        const { key } = place.entry;
        const isBroken = broken.has(key);
        if (!isBroken && view.plan(key) === undefined) options.onUnclaimable(key, noSuchPlan);
        putRight(view, place, isBroken);
      }
      return ({ unwritten, hasMoved }) => {
        for (const [key, obstacle] of unwritten) {
          if (obstacle.kind === 'refused') options.onUnclaimable(key, new Error(obstacle.reason));
        }
        const result = answer();
        const claims = result.claims.filter(({ firing }) => !unwritten.has(firing.key));
        // What another node has changed meanwhile has moved as well: to look again is worth it.
        const moved = hasMoved ? result.moved + unmoved.length : 0;
        return {
          session,
          busyMs,
          result: { ...result, claims, moved, more: result.more || hasNext },
        };
      };
    },
  };
}

/**
 * The entry stands there and nothing came of it. It is a stray one, or one of a plan that cannot be
 * claimed, which leaves the agenda until it is put anew; or its plan belongs elsewhere, and is moved.
 */
function putRight(view: RedisView, { tree, member, entry }: Place, isBroken: boolean): void {
  const plan = isBroken || view.isUnreadable(entry.key) ? undefined : view.plan(entry.key);
  if (plan?.nextFireTime === entry.due && tree === 'due') view.set(entry.key, plan);
  else view.dropStray(entry.key, tree, member);
}

interface ParkedOutcome {
  readonly claims: readonly Claim[];
  /** Under which they were claimed. */
  readonly session: string;
  /** There may be more. */
  readonly hasFound: boolean;
}

/** Store.claimParked, of one partition, as a change. */
export function claimParked(
  ask: Ask,
  origin: string,
  limit: number,
  onUnclaimable: ClaimOptions['onUnclaimable'],
): Change<ParkedOutcome> {
  let members: readonly string[] = [];
  return {
    needs: { lease: true, room: false },
    look: async (view) => {
      const [found] = await ask('parked', [origin, Math.min(limit, maxFirings)]);
      members = membersOf(found as Found, (member) => parkedEntryOf(member).key, view);
    },
    apply: (view) => {
      const claims: Claim[] = [];
      for (const member of members) {
        const { key, firing: name } = parkedEntryOf(member);
        try {
          const plan = view.plan(key);
          const firing = plan && unfinishedAt(plan, name, 'parked');
          const isThere = firing?.state.kind === 'parked' && firing.state.origin === origin;
          if (plan === undefined || firing === undefined || !isThere) {
            view.dropStray(key, `parked:${origin}`, member);
            continue;
          }
          const after = resumed(plan, firing);
          view.set(key, after);
          claims.push({ firing: firingOf(after, firing), plan: after });
        } catch (error) {
          view.dropStray(key, `parked:${origin}`, member);
          onUnclaimable(key, error);
        }
      }
      return ({ unwritten, hasMoved }) => ({
        claims: claims.filter(({ firing }) => !unwritten.has(firing.key)),
        session: view.session,
        hasFound: members.length > 0 && hasMoved,
      });
    },
  };
}

/** Adds the records to the view, once each; answers the members. */
function membersOf(found: Found, keyOf: (member: string) => string, view: RedisView): string[] {
  const members: string[] = [];
  for (let at = 0; at < found.length; at += 2) {
    const member = String(found[at]);
    const key = keyOf(member);
    if (!view.knows(key)) view.add(key, found[at + 1] ?? undefined);
    members.push(member);
  }
  return members;
}

const entriesOf = (places: readonly Place[]): DueEntry[] => places.map(({ entry }) => entry);

/** So many of both, the earliest; each comes in order. */
function earliest(dues: readonly Place[], waitings: readonly Place[], limit: number) {
  const due: Place[] = [];
  const waiting: Place[] = [];
  while (due.length + waiting.length < limit) {
    const [a, b] = [dues[due.length], waitings[waiting.length]];
    if (a !== undefined && (b === undefined || a.entry.due <= b.entry.due)) due.push(a);
    else if (b !== undefined) waiting.push(b);
    else break;
  }
  return { due, waiting };
}
