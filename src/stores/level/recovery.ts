import { quote } from '../../core/errors.ts';
import type { Firing } from '../../core/firing.ts';
import type { Log } from '../../core/log.ts';
import { decodeRecord, UnreadableRecord } from '../record.ts';
import type { Recovery } from '../store.ts';
import type { StoredPlan } from '../stored-plan.ts';
import type { Counts } from './counts.ts';
import type { Database } from './database.ts';
import type { FailureRing } from './failures.ts';
import { keyAfter, keyOfInFlightKey, planKey, rangeOf } from './keys.ts';
import { afterCrash } from '../crash.ts';
import { type Ending, firingOf } from '../life.ts';
import type { StoreMemory } from './memory.ts';
import { View } from './view.ts';

const pieceSize = 256;

export interface RecoveryOptions {
  readonly log: Log;
  readonly ending: Ending;
  /** From 0 to 1, exclusive. */
  readonly random: () => number;
  readonly failures: FailureRing;
}

/** Plans that have firings in flight, in pieces. */
async function* inFlightKeys(db: Database): AsyncGenerator<readonly string[]> {
  const { start, end } = rangeOf('inFlight');
  for (let from = start; ;) {
    const keys = await db.keys({ gte: from, lt: end, limit: pieceSize });
    yield keys.map(keyOfInFlightKey);
    const last = keys.at(-1);
    if (last === undefined || keys.length < pieceSize) return;
    from = keyAfter(last);
  }
}

/**
 * Puts what a process before left in flight back on the agenda, as its next attempt: due at once after
 * its first crash, then under backoff; given up as failed after too many. Answers the counts as they are then.
 */
export async function recover(
  db: Database,
  counts: Counts,
  options: RecoveryOptions,
): Promise<{ recovery: Recovery; counts: Counts }> {
  let reclaimed = 0;
  const givenUp: Firing[] = [];
  let current = counts;
  for await (const keys of inFlightKeys(db)) {
    const view = new View(current);
    const records = await db.getMany(keys.map(planKey));
    for (const [index, key] of keys.entries()) {
      const plan = readable(key, records[index], options.log);
      if (plan === undefined) continue;
      view.addPlan(plan);
      const { plan: after, givenUp: ended, failures } = afterCrash(plan, options);
      reclaimed += after === undefined ? 0 : waitingMore(plan, after);
      view.set(key, after);
      for (const failure of failures) options.failures.add(view, failure);
      view.keep();
      givenUp.push(...ended);
    }
    if (!view.isEmpty) await db.write((batch) => view.writeTo(batch));
    current = view.counts;
  }
  return { recovery: { reclaimed, givenUp }, counts: current };
}

/**
 * What the disk has in flight and this process has not handed out: its claim was refused, for the
 * database failed, and yet it was written. Memory keeps what it has handed out and the disk has so too.
 */
export async function strayFirings(db: Database, memory: StoreMemory): Promise<Firing[]> {
  const handedOut = new Map<string, StoredPlan>();
  const stray: Firing[] = [];
  for await (const keys of inFlightKeys(db)) {
    const records = await db.getMany(keys.map(planKey));
    for (const [index, key] of keys.entries()) {
      const plan = readable(key, records[index]);
      for (const firing of plan?.unfinished ?? []) {
        if (plan === undefined || firing.state.kind !== 'in_flight') continue;
        if (memory.isHandedOut(plan, firing)) handedOut.set(key, plan);
        else stray.push(firingOf(plan, firing));
      }
    }
  }
  memory.keepInFlight(handedOut);
  return stray;
}

const waitingMore = (before: StoredPlan, after: StoredPlan): number =>
  waiting(after) - waiting(before);

const waiting = ({ unfinished }: StoredPlan): number =>
  unfinished.filter(({ state }) => state.kind === 'waiting').length;

function readable(key: string, record: Buffer | undefined, log?: Log): StoredPlan | undefined {
  try {
    return record && decodeRecord(key, record);
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    log?.error('in_flight_plan_unreadable', { key: quote(key), reason: error.message });
    return undefined;
  }
}
