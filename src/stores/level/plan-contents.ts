import { ForsunError } from '../../core/errors.ts';
import { ByteWriter } from '../bytes.ts';
import { decodeRecord } from '../record.ts';
import type { StoredPlan } from '../stored-plan.ts';
import type { ContentsCheck, Entry } from './check.ts';
import { type Counts, decodeCounts, encodeCounts } from './counts.ts';
import { decodeFailure } from '../failure-entry.ts';
import {
  agendaEntryOf,
  countsKey,
  endMarks,
  indexKeys,
  keyOfInFlightKey,
  keyOfPlanKey,
  parkedEntryOf,
  planKey,
} from './keys.ts';
import type { ContentsRebuild } from './repair.ts';

/** Compares every record with its index entries, both ways, and the counts with what is there. */
export function planContentsCheck(): ContentsCheck {
  const found = { plans: 0, generation: 0 };
  let told: Counts | undefined;
  return {
    async judge(entries, get) {
      const expected = entries.map((entry) => expectationOf(entry));
      const asked = expected.flatMap((one) => ('needs' in one ? one.needs : []));
      const answers = (await get(asked)).values();
      return expected.map((one) => {
        if ('fault' in one) return one.fault;
        const needed = one.needs.map(() => answers.next().value);
        if (one.plan !== undefined) {
          found.plans++;
          found.generation = Math.max(found.generation, one.plan.generation);
        }
        if (one.counts !== undefined) told = one.counts;
        return one.judge(needed);
      });
    },
    finish() {
      if (told === undefined) return found.plans === 0 ? [] : ['the counts are missing'];
      return [
        ...(told.plans === found.plans
          ? []
          : [`${found.plans} plans, the counts say ${told.plans}`]),
        ...(told.generation >= found.generation
          ? []
          : [`generation ${found.generation} is used, the counts say ${told.generation}`]),
      ];
    },
  };
}

/** Keeps what records and failures can be read, and makes all other entries anew from them. */
export function planContentsRebuild(): ContentsRebuild {
  let plans = 0;
  let generation = 0;
  return {
    take(key, value) {
      if (key.equals(countsKey)) {
        const counts = readable(() => decodeCounts(value));
        generation = Math.max(generation, counts?.generation ?? 0);
        return counts && [];
      }
      if (isFailure(key)) return readable(() => decodeFailure(value)) && [[key, value]];
      if (kindOf(key) !== 'p') return [];
      const plan = readable(() => decodeRecord(keyOfPlanKey(key), value));
      if (plan === undefined) return undefined;
      plans++;
      generation = Math.max(generation, plan.generation);
      const index = generationBytes(plan);
      return [[key, value], ...indexKeys(plan).map((indexKey) => [indexKey, index] as const)];
    },
    finish() {
      // What was lost may have used more: none is ever used twice.
      const counts = encodeCounts({ plans, generation: generation + generationsLost });
      return [[countsKey, counts], ...endMarks.map((mark) => [mark, Buffer.alloc(0)] as const)];
    },
  };
}

/** More than the two logs that LevelDB keeps can hold. */
const generationsLost = 2 ** 24;

type Expectation =
  | { readonly fault: string | undefined }
  | {
      /** Keys to read, and what follows from what they hold. */
      readonly needs: readonly Buffer[];
      readonly judge: (found: readonly (Buffer | undefined)[]) => string | undefined;
      readonly plan?: StoredPlan;
      readonly counts?: Counts;
    };

function expectationOf([key, value]: Entry): Expectation {
  try {
    if (key.equals(countsKey)) {
      return { needs: [], judge: () => undefined, counts: decodeCounts(value) };
    }
    if (kindOf(key) === 'p') return planExpectation(decodeRecord(keyOfPlanKey(key), value));
    if (isFailure(key)) decodeFailure(value);
    const planned = planOfIndexKey(key);
    if (planned === undefined) return { fault: undefined };
    return {
      needs: [planKey(planned)],
      judge: ([record]) => indexFault(key, value, planned, record),
    };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

function planExpectation(plan: StoredPlan): Expectation {
  const generation = generationBytes(plan);
  const needs = indexKeys(plan);
  return {
    plan,
    needs,
    judge(found) {
      const missing = found.findIndex((index) => index?.equals(generation) !== true);
      const key = needs[missing];
      return key && `its index entry ${JSON.stringify(key.toString('latin1'))} is missing`;
    },
  };
}

function indexFault(
  key: Buffer,
  value: Buffer,
  planned: string,
  record: Buffer | undefined,
): string | undefined {
  if (record === undefined) return 'its plan is missing';
  const plan = readable(() => decodeRecord(planned, record));
  // That the record cannot be read is said of the record.
  if (plan === undefined) return undefined;
  const isRight = indexKeys(plan).some((index) => index.equals(key));
  return isRight && value.equals(generationBytes(plan)) ? undefined : 'its plan says otherwise';
}

/** The key of the plan an index entry belongs to; undefined for a mark and for a failure. */
function planOfIndexKey(key: Buffer): string | undefined {
  if (isEndMark(key)) return undefined;
  switch (kindOf(key)) {
    case 'a':
    case 'w':
      return agendaEntryOf(key)?.key;
    case 'i':
      return keyOfInFlightKey(key);
    case 'k':
      return parkedEntryOf(key).key;
    case 'f':
      return undefined;
    default:
      throw new RangeError('an entry of a kind that this forsund does not know');
  }
}

const kindOf = (key: Buffer): string => key.toString('latin1', 0, 1);
const isEndMark = (key: Buffer): boolean => key.length === 2 && key[1] === 0xff;
const isFailure = (key: Buffer): boolean => kindOf(key) === 'f' && !isEndMark(key);

const writer = new ByteWriter();

function generationBytes({ generation }: StoredPlan): Buffer {
  writer.varint(generation);
  return writer.take();
}

/** Undefined for what cannot be read. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ForsunError || error instanceof RangeError) return undefined;
    throw error;
  }
}
