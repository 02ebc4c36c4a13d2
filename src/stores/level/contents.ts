import { quote } from '../../core/errors.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import { decodeRecord, UnreadableRecord } from '../record.ts';
import type { StoredPlan } from '../stored-plan.ts';
import { decodeCounts, encodeCounts } from './counts.ts';
import {
  agendaEntryOf,
  countsKey,
  endMarks,
  indexKeys,
  type KeyKind,
  keyOfInFlightKey,
  keyOfPlanKey,
  kindOf,
  parkedEntryOf,
  planKey,
} from './keys.ts';

type Entry = readonly [key: Buffer, value: Buffer];
type Get = (keys: readonly Buffer[]) => Promise<readonly (Buffer | undefined)[]>;

/** What is wrong with each entry, by itself or against the others; in order, undefined for a sound one. */
export async function judgeEntries(
  entries: readonly Entry[],
  get: Get,
): Promise<readonly (string | undefined)[]> {
  const verdicts: (string | undefined)[] = [];
  for (const [key, value] of entries) verdicts.push(await judge(key, value, get));
  return verdicts;
}

async function judge(key: Buffer, value: Buffer, get: Get): Promise<string | undefined> {
  const kind = kindOf(key);
  if (kind === undefined) return `${key.toString('hex')} is the key of nothing that is known`;
  try {
    if (kind === 'counts') decodeCounts(value);
    else if (kind === 'plan') return await judgePlan(key, value, get);
    else if (!isMark(kind, key)) return await judgeIndex(kind, key, value, get);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function judgePlan(key: Buffer, record: Buffer, get: Get): Promise<string | undefined> {
  const plan = decodeRecord(keyOfPlanKey(key), record);
  const indexes = indexKeys(plan);
  for (const [at, value] of (await get(indexes)).entries()) {
    if (value !== undefined && generationOf(value) === plan.generation) continue;
    const found = value === undefined ? 'none' : `one of generation ${generationOf(value)}`;
    const kind = kindOf(indexes[at] ?? countsKey) ?? 'unknown';
    return `the plan ${quote(plan.key)} of generation ${plan.generation} needs an entry (${kind}), found ${found}`;
  }
  return undefined;
}

async function judgeIndex(
  kind: KeyKind,
  key: Buffer,
  value: Buffer,
  get: Get,
): Promise<string | undefined> {
  const planOf = planKeyOf(kind, key);
  const [record] = await get([planKey(planOf)]);
  const name = `an entry (${kind}) of the plan ${quote(planOf)}`;
  if (record === undefined) return `${name} stands without the plan`;
  const plan = readable(planOf, record);
  if (plan === undefined) return undefined; // told of the record itself
  if (generationOf(value) !== plan.generation) {
    return `${name} has generation ${generationOf(value)}, the plan ${plan.generation}`;
  }
  return indexKeys(plan).some((needed) => needed.equals(key))
    ? undefined
    : `${name} stands though the plan does not need it`;
}

/** Builds a sound store from the plans that can be read: every other entry is made anew from them. */
export class ContentsRebuild {
  #plans = 0;
  #generation = 0;
  #areCountsRead = false;

  /** What to keep for an entry; call it once for each, in any order. */
  take(key: Buffer, value: Buffer): readonly Entry[] {
    const kind = kindOf(key);
    if (kind === 'counts') this.#takeCounts(value);
    const plan = kind === 'plan' ? readable(keyOfPlanKey(key), value) : undefined;
    if (plan === undefined) return [];
    this.#plans++;
    this.#generation = Math.max(this.#generation, plan.generation);
    const generation = generationBytes(plan.generation);
    return [[key, value], ...indexKeys(plan).map((index) => [index, generation] as const)];
  }

  /** Entries that stand for all. */
  finish(): readonly Entry[] {
    // Newer generations may have been given to plans that are gone: none of them is used again.
    const generation = this.#generation + (this.#areCountsRead ? 0 : generationGap);
    const marks = endMarks.map((mark) => [mark, Buffer.alloc(0)] as const);
    return [[countsKey, encodeCounts({ plans: this.#plans, generation })], ...marks];
  }

  #takeCounts(value: Buffer): void {
    try {
      this.#generation = Math.max(this.#generation, decodeCounts(value).generation);
      this.#areCountsRead = true;
    } catch {
      // Made anew by finish.
    }
  }
}

const generationGap = 1_000_000;

const isMark = (kind: KeyKind, key: Buffer): boolean =>
  endMarks.some((mark) => mark.equals(key)) ||
  ((kind === 'agenda' || kind === 'waiting') && agendaEntryOf(key) === undefined);

function planKeyOf(kind: KeyKind, key: Buffer): string {
  if (kind === 'parked') return parkedEntryOf(key).key;
  if (kind === 'inFlight') return keyOfInFlightKey(key);
  return agendaEntryOf(key)?.key ?? '';
}

function readable(key: string, record: Buffer): StoredPlan | undefined {
  try {
    return decodeRecord(key, record);
  } catch (error) {
    if (error instanceof UnreadableRecord) return undefined;
    throw error;
  }
}

const generationOf = (value: Buffer): number => new ByteReader(value).varint();

function generationBytes(generation: number): Buffer {
  const writer = new ByteWriter(16);
  writer.varint(generation);
  return writer.take();
}
