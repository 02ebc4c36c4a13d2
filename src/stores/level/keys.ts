import { type UnixSeconds, unixSeconds } from '../../core/time.ts';
import type { StoredPlan } from '../stored-plan.ts';

/**
 * Every key of the level store. The record is the single truth; all other entries of a plan are indexes
 * that `indexKeys` derives from it, and hold its generation. Times are six bytes, big-endian, 2^47 added,
 * so that byte order is time order; numbers six bytes, big-endian. Keys of plans and origins hold no byte
 * 00 and are not empty.
 *
 *   a due key                  the plan's next fire time is due
 *   f number                   one of the newest failures (failure-entry.ts), the newest last
 *   i key                      the plan has firings in flight
 *   k origin 00 fire-time key  the firing is parked with the origin
 *   m                          plan count and newest generation (counts.ts)
 *   p key                      the plan (record.ts)
 *   w due key 00 fire-time     the firing waits until due: a retry, a release, a re-claim
 *   w due key 00               the plan has ended and expires at due
 *
 *   a due, w due               marks: a range scan that ends there does not walk on over deleted entries
 *   a f i k w, each with ff    end marks: as marks, behind all entries of their kind
 */
const prefixes = {
  agenda: 'a',
  failure: 'f',
  inFlight: 'i',
  parked: 'k',
  counts: 'm',
  plan: 'p',
  waiting: 'w',
};

export type KeyKind = keyof typeof prefixes;

/** The two agendas: due times of plans, and firings (or ended plans) that wait for their second. */
export type AgendaName = 'agenda' | 'waiting';

/** An entry of either agenda. */
export interface AgendaEntry {
  readonly due: UnixSeconds;
  readonly key: string;
  /** Of the firing that waits; absent for a due time and for an expiry. */
  readonly fireTime?: UnixSeconds;
}

const timeBytes = 6;
const numberBytes = 6;
const timeOffset = 2 ** 47;
const separator = Buffer.from([0]);
const prefixByte = (name: KeyKind): Buffer => Buffer.from(prefixes[name]);

export const countsKey = prefixByte('counts');

export const planKey = (key: string): Buffer => keyOf('plan', key);
export const keyOfPlanKey = (bytes: Buffer): string => bytes.toString('utf8', 1);

export const inFlightKey = (key: string): Buffer => keyOf('inFlight', key);
export const keyOfInFlightKey = keyOfPlanKey;

function keyOf(name: 'plan' | 'inFlight', key: string): Buffer {
  return Buffer.from(prefixes[name] + key);
}

/** The range of all entries of one kind; `end` sorts behind each of them. */
export const rangeOf = (name: KeyKind): { start: Buffer; end: Buffer } => ({
  start: prefixByte(name),
  end: Buffer.concat([prefixByte(name), Buffer.from([0xff])]),
});

/** Live entries at the end of the kinds that come and go. */
export const endMarks = (['agenda', 'failure', 'inFlight', 'parked', 'waiting'] as const).map(
  (name) => rangeOf(name).end,
);

/** Plan keys that start with the prefix: no UTF-8 holds the byte ff. */
export const planKeyRange = (prefix: string): { gte: Buffer; lt: Buffer } => ({
  gte: planKey(prefix),
  lt: Buffer.concat([planKey(prefix), Buffer.from([0xff])]),
});

/** Sorts before every entry due at that second, behind every earlier one: where a mark stands. */
export function secondKey(agenda: AgendaName, second: UnixSeconds): Buffer {
  const bytes = Buffer.allocUnsafe(1 + timeBytes);
  bytes.write(prefixes[agenda]);
  writeTime(bytes, second, 1);
  return bytes;
}

export function agendaKey(agenda: AgendaName, { due, key, fireTime }: AgendaEntry): Buffer {
  if (agenda === 'agenda') return Buffer.concat([secondKey(agenda, due), Buffer.from(key)]);
  return Buffer.concat([
    secondKey(agenda, due),
    Buffer.from(key),
    separator,
    ...(fireTime === undefined ? [] : [timeKey(fireTime)]),
  ]);
}

/** Undefined for a mark. */
export function agendaEntryOf(bytes: Buffer): AgendaEntry | undefined {
  const keyStart = 1 + timeBytes;
  if (bytes.length === keyStart) return undefined;
  const due = readTime(bytes, 1);
  const keyEnd = bytes.indexOf(0, keyStart);
  if (keyEnd < 0) return { due, key: bytes.toString('utf8', keyStart) };
  const key = bytes.toString('utf8', keyStart, keyEnd);
  return keyEnd + 1 === bytes.length
    ? { due, key }
    : { due, key, fireTime: readTime(bytes, keyEnd + 1) };
}

/** Sorts before all that is parked with the origin. */
export const parkedStart = (origin: string): Buffer =>
  Buffer.concat([Buffer.from(prefixes.parked + origin), separator]);

/** Sorts behind all that is parked with the origin, before what is parked with the next one. */
export const parkedEnd = (origin: string): Buffer =>
  Buffer.concat([Buffer.from(prefixes.parked + origin), Buffer.from([1])]);

export const parkedKey = (origin: string, fireTime: UnixSeconds, key: string): Buffer =>
  Buffer.concat([parkedStart(origin), timeKey(fireTime), Buffer.from(key)]);

export function parkedEntryOf(bytes: Buffer): {
  origin: string;
  fireTime: UnixSeconds;
  key: string;
} {
  const originEnd = bytes.indexOf(0, 1);
  return {
    origin: bytes.toString('utf8', 1, originEnd),
    fireTime: readTime(bytes, originEnd + 1),
    key: bytes.toString('utf8', originEnd + 1 + timeBytes),
  };
}

/** What stands on the agenda for the plan: at most one due time, or what waits for its second. */
export function agendaEntries(agenda: AgendaName, plan: StoredPlan): readonly AgendaEntry[] {
  const { key, nextFireTime, expires, unfinished } = plan;
  if (agenda === 'agenda') return nextFireTime === undefined ? none : [{ due: nextFireTime, key }];
  if (expires !== undefined) return [{ due: expires, key }];
  if (unfinished.length === 0) return none;
  return unfinished.flatMap(({ fireTime, state }) =>
    state.kind === 'waiting' ? [{ due: state.until, key, fireTime }] : [],
  );
}

const none: readonly AgendaEntry[] = [];

export function failureKey(number: number): Buffer {
  const bytes = Buffer.allocUnsafe(1 + numberBytes);
  bytes.write(prefixes.failure);
  bytes.writeUIntBE(number, 1, numberBytes);
  return bytes;
}

export const numberOfFailureKey = (bytes: Buffer): number => bytes.readUIntBE(1, numberBytes);

/** The keys of all index entries of a plan. */
export function indexKeys(plan: StoredPlan): Buffer[] {
  const { key, nextFireTime, unfinished, expires } = plan;
  const keys: Buffer[] = [];
  if (nextFireTime !== undefined) keys.push(agendaKey('agenda', { due: nextFireTime, key }));
  if (unfinished.length === 0 && expires === undefined) return keys;
  for (const entry of agendaEntries('waiting', plan)) keys.push(agendaKey('waiting', entry));
  if (unfinished.some(({ state }) => state.kind === 'in_flight')) keys.push(inFlightKey(key));
  for (const { fireTime, state } of unfinished) {
    if (state.kind === 'parked') keys.push(parkedKey(state.origin, fireTime, key));
  }
  return keys;
}

/** The first key that sorts behind that one. */
export const keyAfter = (bytes: Buffer): Buffer => Buffer.concat([bytes, separator]);

export const timeOfAgendaKey = (bytes: Buffer): UnixSeconds => readTime(bytes, 1);

function timeKey(time: UnixSeconds): Buffer {
  const bytes = Buffer.allocUnsafe(timeBytes);
  writeTime(bytes, time, 0);
  return bytes;
}

function writeTime(bytes: Buffer, time: UnixSeconds, at: number): void {
  const value = Math.min(Math.max(time + timeOffset, 0), 2 * timeOffset - 1);
  bytes.writeUIntBE(value, at, timeBytes);
}

const readTime = (bytes: Buffer, at: number): UnixSeconds =>
  unixSeconds(bytes.readUIntBE(at, timeBytes) - timeOffset);
