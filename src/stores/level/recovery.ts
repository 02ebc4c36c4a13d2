import type { Firing } from '../../core/firing.ts';
import { quote } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { addSeconds, type UnixSeconds } from '../../core/time.ts';
import { UnreadableRecord } from '../record.ts';
import type { Recovery } from '../store.ts';
import type { StoredPlan } from '../stored-plan.ts';
import { put } from './claim.ts';
import type { Counts } from './counts.ts';
import type { Database } from './database.ts';
import { keyAfter, keyOfInFlightKey, planKey, rangeOf } from './keys.ts';
import { crashed, type Ending, finished, firingOf } from './life.ts';
import { View } from './view.ts';

const pieceSize = 256;
const maxCrashes = 10;
const backoffSeconds = { first: 5, most: 300, jitter: 0.5 };

export interface RecoveryOptions {
  readonly log: Log;
  readonly ending: Ending;
  /** From 0 to 1, exclusive. */
  readonly random: () => number;
}

/** Plans that have firings in flight, in pieces. */
export async function* inFlightKeys(db: Database): AsyncGenerator<readonly string[]> {
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
      view.addRecord(key, records[index]);
      const plan = readable(view, key, options.log);
      if (plan === undefined) continue;
      const after = recovered(plan, givenUp, options);
      reclaimed += after === undefined ? 0 : waitingMore(plan, after);
      put(view, key, after);
      view.keep();
    }
    if (!view.isEmpty) await db.write((batch) => view.writeTo(batch));
    current = view.counts;
  }
  return { recovery: { reclaimed, givenUp }, counts: current };
}

function recovered(
  plan: StoredPlan,
  givenUp: Firing[],
  { ending, random }: RecoveryOptions,
): StoredPlan | undefined {
  let after: StoredPlan | undefined = plan;
  for (const firing of plan.unfinished) {
    if (after === undefined || firing.state.kind !== 'in_flight') continue;
    const crashes = firing.crashes + 1;
    if (crashes > maxCrashes) {
      givenUp.push({ ...firingOf(plan, firing), crashes });
      after = finished(after, firing, -1, ending);
    } else {
      after = crashed(after, firing, dueAgain(crashes, ending.now, random));
    }
  }
  return after;
}

/** Jitter spreads what crashed together, so that one poisonous firing takes few others with it again. */
function dueAgain(crashes: number, now: UnixSeconds, random: () => number): UnixSeconds {
  if (crashes === 1) return now;
  const backoff = Math.min(backoffSeconds.first * 2 ** (crashes - 2), backoffSeconds.most);
  return addSeconds(now, backoff + Math.round(random() * backoff * backoffSeconds.jitter));
}

const waitingMore = (before: StoredPlan, after: StoredPlan): number =>
  waiting(after) - waiting(before);

const waiting = ({ unfinished }: StoredPlan): number =>
  unfinished.filter(({ state }) => state.kind === 'waiting').length;

function readable(view: View, key: string, log: Log): StoredPlan | undefined {
  try {
    return view.plan(key);
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    log.error('in_flight_plan_unreadable', { key: quote(key), reason: error.message });
    return undefined;
  }
}
