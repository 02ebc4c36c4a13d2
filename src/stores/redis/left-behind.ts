import type { Firing } from '../../core/firing.ts';
import { afterCrash } from '../crash.ts';
import { type Ending, released, unfinishedAt } from '../life.ts';
import type { StoredPlan } from '../stored-plan.ts';
import type { Ask } from './claims.ts';
import { firingOfText, keyOfHeldMember } from './keys.ts';
import type { Change } from './change.ts';
import { readRecords } from './read-records.ts';
import type { RedisView } from './redis-view.ts';

const pieceSize = 128;

/** What a session whose lease is over has left behind, so far as one step took it over. */
export interface TakenOver {
  readonly reclaimed: number;
  readonly givenUp: readonly Firing[];
  /** There may be more. */
  readonly hasFound: boolean;
}

export interface TakeOverOptions {
  readonly ending: () => Ending;
  readonly random: () => number;
  /** Told of plans that cannot be taken over, and why. */
  readonly onUnclaimable: (key: string, error: unknown) => void;
}

/** Puts what a dead session held back on the agenda, as its next attempt, or gives it up. */
export function takeOver(
  ask: Ask,
  { ending, random, onUnclaimable }: TakeOverOptions,
): Change<TakenOver> {
  let session = '';
  let members: readonly string[] = [];
  return {
    needs: { lease: false, room: false },
    look: async (view) => {
      const [ended, held] = await ask('ended', [pieceSize]);
      session = String(ended);
      members = (held as Buffer[]).map(String).sort();
      await addAll(view, members, ask);
    },
    apply: (view) => {
      const taken: { key: string; reclaimed: number; givenUp: readonly Firing[] }[] = [];
      for (const key of new Set(members.map(keyOfHeldMember))) {
        const plan = view.isUnreadable(key) ? undefined : view.plan(key);
        if (plan === undefined) continue;
        const after = afterCrash(plan, {
          ending: ending(),
          random,
          isLost: (firing) => view.holderOf(key, firing) === session,
        });
        if (after.plan !== plan) view.set(key, after.plan);
        const { givenUp } = after;
        const ended = inFlight(plan) - (after.plan === undefined ? 0 : inFlight(after.plan));
        taken.push({ key, reclaimed: ended - givenUp.length, givenUp });
        for (const failure of after.failures) view.addFailure(failure);
      }
      dropStrays(view, members, session);
      return ({ unwritten, hasMoved }) => {
        for (const [key, obstacle] of unwritten) {
          if (obstacle.kind === 'refused') onUnclaimable(key, new Error(obstacle.reason));
        }
        // What was not written, another node has taken over.
        const ours = taken.filter(({ key }) => !unwritten.has(key));
        return {
          reclaimed: ours.reduce((sum, one) => sum + one.reclaimed, 0),
          givenUp: ours.flatMap((one) => one.givenUp),
          hasFound: session !== '' && (members.length === 0 || hasMoved),
        };
      };
    },
  };
}

/**
 * Releases what this node's own session holds and nobody has: of a claim whose answer was lost it is not
 * known whether it was made. `isHandedOut` tells of a member whether somebody has it.
 */
export function releaseStrays(
  ask: Ask,
  isHandedOut: (member: string) => boolean,
  ending: () => Ending,
): Change<void> {
  let members: readonly string[] = [];
  return {
    needs: { lease: true, room: false },
    look: async (view) => {
      const found: string[] = [];
      let cursor = '0';
      do {
        const [next, part] = await ask('held', [view.session, cursor]);
        found.push(...(part as Buffer[]).map(String).filter((member) => !isHandedOut(member)));
        cursor = String(next);
      } while (cursor !== '0');
      members = found.sort();
      for (let at = 0; at < members.length; at += pieceSize) {
        await addAll(view, members.slice(at, at + pieceSize), ask);
      }
    },
    apply: (view) => {
      for (const member of members) {
        const key = keyOfHeldMember(member);
        const plan = view.isUnreadable(key) ? undefined : view.plan(key);
        const name = firingOfText(member.slice(key.length + 1));
        const firing = plan && unfinishedAt(plan, name, 'in_flight');
        if (plan === undefined || firing === undefined) continue;
        if (view.holderOf(key, firing) === view.session) {
          view.set(key, released(plan, firing, ending().now));
        }
      }
      dropStrays(view, members, view.session);
      return () => undefined;
    },
  };
}

async function addAll(view: RedisView, members: readonly string[], ask: Ask): Promise<void> {
  const keys = [...new Set(members.map(keyOfHeldMember))].filter((key) => !view.knows(key));
  if (keys.length === 0) return;
  const { records } = await readRecords((args) => ask('read', args), keys);
  for (const [at, key] of keys.entries()) view.add(key, records[at]);
}

/** Members whose plan knows nothing of them. */
function dropStrays(view: RedisView, members: readonly string[], session: string): void {
  for (const member of members) {
    const key = keyOfHeldMember(member);
    const firing = firingOfText(member.slice(key.length + 1));
    if (view.holderOf(key, firing) !== session) view.dropStray(key, `held:${session}`, member);
  }
}

const inFlight = ({ unfinished }: StoredPlan): number =>
  unfinished.filter(({ state }) => state.kind === 'in_flight').length;
