import type { FiringName } from '../../core/firing.ts';
import type { AgendaPlace } from '../../core/plan.ts';
import { type UnixSeconds, unixSeconds } from '../../core/time.ts';
import type { DueEntry } from '../claim-due.ts';
import type { StoredPlan } from '../stored-plan.ts';

/**
 * Every key of the level store. The record is the single truth; all other entries of a plan are indexes
 * that `indexKeys` derives from it, and hold its generation. Times are six bytes, big-endian, 2^47 added,
 * so that byte order is time order; numbers six bytes, big-endian. Keys of plans and origins hold no byte
 * 00 and are not empty.
 *
 *   a due key                  the plan's next fire time is due
 *   f number                   one of the newest failures (../failure-entry.ts), the newest last
 *   i key                      the plan has firings in flight
 *   k origin 00 fire-time key  the firing is parked with the origin
 *   …         00 trigger       behind the key, if it was triggered
 *   m                          plan count and newest generation (counts.ts)
 *   p key                      the plan (record.ts)
 *   w due key 00 fire-time     the firing waits until due: a retry, a release, a re-claim
 *   …           trigger        behind its fire time, if it was triggered
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

/** Plan keys that start with the prefix, behind `after`: no UTF-8 holds the byte ff. */
export function planKeyRange(prefix: string, after?: string): { gte: Buffer; lt: Buffer } {
  const start = planKey(prefix);
  const lt = Buffer.concat([start, Buffer.from([0xff])]);
  return { gte: behind(start, after === undefined ? undefined : planKey(after)), lt };
}

/** Due times from `from` on and before `to`, behind `after`. */
export function agendaRange(
  from: UnixSeconds,
  to: UnixSeconds,
  after?: AgendaPlace,
): { gte: Buffer; lt: Buffer } {
  const start = secondKey('agenda', from);
  const last = after && agendaKey('agenda', { due: after.fireTime, key: after.key });
  return { gte: behind(start, last), lt: secondKey('agenda', to) };
}

/** Where a range begins that would begin at `start`, and leaves out all up to `last`. */
function behind(start: Buffer, last: Buffer | undefined): Buffer {
  return last === undefined || Buffer.compare(last, start) < 0 ? start : keyAfter(last);
}

/** Sorts before every entry due at that second, behind every earlier one: where a mark stands. */
export function secondKey(agenda: AgendaName, second: UnixSeconds): Buffer {
  const bytes = Buffer.allocUnsafe(1 + timeBytes);
  bytes.write(prefixes[agenda]);
  writeTime(bytes, second, 1);
  return bytes;
}

export function agendaKey(agenda: AgendaName, { due, key, firing }: DueEntry): Buffer {
  if (agenda === 'agenda') return Buffer.concat([secondKey(agenda, due), Buffer.from(key)]);
  return Buffer.concat([
    secondKey(agenda, due),
    Buffer.from(key),
    separator,
    ...(firing === undefined ? [] : [timeKey(firing.fireTime), ...triggerKey(firing)]),
  ]);
}

/** Undefined for a mark. */
export function agendaEntryOf(bytes: Buffer): DueEntry | undefined {
  const keyStart = 1 + timeBytes;
  if (bytes.length === keyStart) return undefined;
  const due = readTime(bytes, 1);
  const keyEnd = bytes.indexOf(0, keyStart);
  if (keyEnd < 0) return { due, key: bytes.toString('utf8', keyStart) };
  const key = bytes.toString('utf8', keyStart, keyEnd);
  const firingStart = keyEnd + 1;
  if (firingStart === bytes.length) return { due, key };
  const fireTime = readTime(bytes, firingStart);
  return { due, key, firing: firingAt(fireTime, bytes, firingStart + timeBytes) };
}

/** Sorts before all that is parked with the origin. */
export const parkedStart = (origin: string): Buffer =>
  Buffer.concat([Buffer.from(prefixes.parked + origin), separator]);

/** Sorts behind all that is parked with the origin, before what is parked with the next one. */
export const parkedEnd = (origin: string): Buffer =>
  Buffer.concat([Buffer.from(prefixes.parked + origin), Buffer.from([1])]);

/** A firing that is parked with an origin. */
export interface ParkedEntry {
  readonly origin: string;
  readonly key: string;
  readonly firing: FiringName;
}

export function parkedKey({ origin, key, firing }: ParkedEntry): Buffer {
  const trigger = triggerKey(firing);
  return Buffer.concat([
    ...[parkedStart(origin), timeKey(firing.fireTime), Buffer.from(key)],
    ...(trigger.length === 0 ? [] : [separator, ...trigger]),
  ]);
}

export function parkedEntryOf(bytes: Buffer): ParkedEntry {
  const originEnd = bytes.indexOf(0, 1);
  const origin = bytes.toString('utf8', 1, originEnd);
  const fireTime = readTime(bytes, originEnd + 1);
  const keyStart = originEnd + 1 + timeBytes;
  const found = bytes.indexOf(0, keyStart);
  const keyEnd = found < 0 ? bytes.length : found;
  const key = bytes.toString('utf8', keyStart, keyEnd);
  return { origin, key, firing: firingAt(fireTime, bytes, keyEnd + 1) };
}

/** What stands on the agenda for the plan: at most one due time, or what waits for its second. */
export function agendaEntries(agenda: AgendaName, plan: StoredPlan): readonly DueEntry[] {
  const { key, nextFireTime, expires, unfinished } = plan;
  if (agenda === 'agenda') return nextFireTime === undefined ? none : [{ due: nextFireTime, key }];
  if (expires !== undefined) return [{ due: expires, key }];
  if (unfinished.length === 0) return none;
  return unfinished.flatMap((firing) =>
    firing.state.kind === 'waiting' ? [{ due: firing.state.until, key, firing }] : [],
  );
}

const none: readonly DueEntry[] = [];

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
  for (const firing of unfinished) {
    const { state } = firing;
    if (state.kind === 'parked') keys.push(parkedKey({ origin: state.origin, key, firing }));
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

/** None for the firing of a due time. */
function triggerKey({ trigger }: FiringName): readonly Buffer[] {
  if (trigger === undefined) return [];
  const bytes = Buffer.allocUnsafe(numberBytes);
  bytes.writeUIntBE(trigger, 0, numberBytes);
  return [bytes];
}

/** The firing of that time, triggered if a number follows there. */
const firingAt = (fireTime: UnixSeconds, bytes: Buffer, at: number): FiringName =>
  at < bytes.length ? { fireTime, trigger: bytes.readUIntBE(at, numberBytes) } : { fireTime };

function writeTime(bytes: Buffer, time: UnixSeconds, at: number): void {
  const value = Math.min(Math.max(time + timeOffset, 0), 2 * timeOffset - 1);
  bytes.writeUIntBE(value, at, timeBytes);
}

const readTime = (bytes: Buffer, at: number): UnixSeconds =>
  unixSeconds(bytes.readUIntBE(at, timeBytes) - timeOffset);
