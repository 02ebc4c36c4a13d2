import type { UnfinishedFiring } from '../../core/firing.ts';
import { type Policy, policyOf } from '../../core/policy.ts';
import { nextFireTime } from '../../core/schedule.ts';
import { decodeRecord, encodeRecord, UnreadableRecord } from '../record.ts';
import type { StoredPlan } from '../stored-plan.ts';
import { firingText, numberText, timeText } from './keys.ts';

/**
 * A plan as Redis keeps it: a head, which the scripts read, before the record that any store writes.
 *
 *   byte     00, which begins no key: a record is never taken for one
 *   byte     version of the head: 1
 *   7 bytes  generation (numberText)
 *   byte     entries in indexes; of each: byte its kind, uint16 length (big-endian), and
 *            d due, a aside   fire time
 *            w waiting        due, then the firing, if it is not the plan's expiry
 *            h held           session 00 firing
 *            p parked         origin 00 firing
 *   …        the record (../record.ts)
 */
const headStart = Buffer.from([0, 1]);
const generationEnd = 9;
/** Of the record behind the head: its version and checksum. */
const recordMark = 5;
/** The token of a record that was not there. */
export const absentToken = Buffer.from('-');

/** Which session has a firing in flight, by the firing's text. */
export type Holders = ReadonlyMap<string, string>;

export interface HeldPlan {
  readonly plan: StoredPlan;
  readonly holders: Holders;
}

/** The places of the plan in the indexes, as kind and value. */
export function placesOf(plan: StoredPlan, holders: Holders, policy: Policy): readonly string[] {
  const places: string[] = [];
  const { nextFireTime: next, expires, unfinished } = plan;
  if (next !== undefined) places.push((isFull(plan, policy) ? 'a' : 'd') + timeText(next));
  if (expires !== undefined) places.push(`w${timeText(expires)}`);
  for (const firing of unfinished) places.push(placeOf(firing, holders));
  return places;
}

function placeOf(firing: UnfinishedFiring, holders: Holders): string {
  const { state } = firing;
  const name = firingText(firing);
  switch (state.kind) {
    case 'in_flight': {
      const session = holders.get(name);
      if (session === undefined) throw new TypeError('a firing is in flight with no session');
      return `h${session}\0${name}`;
    }
    case 'waiting':
      return `w${timeText(state.until)}${name}`;
    case 'parked':
      return `p${state.origin}\0${name}`;
    default:
      return state satisfies never;
  }
}

/** True when its next due time cannot be taken before one of its firings ends; see core/misfire.ts. */
function isFull(
  { nextFireTime: next, schedule, params, unfinished }: StoredPlan,
  defaults: Policy,
) {
  if (next === undefined || unfinished.length === 0) return false;
  const { maxUnfinished, misfire } = policyOf(params, defaults);
  if (unfinished.length < maxUnfinished) return false;
  return misfire === 'fire_all' || nextFireTime(schedule, next) === undefined;
}

export function encodeHeld(plan: StoredPlan, holders: Holders, policy: Policy): Buffer {
  const places = placesOf(plan, holders, policy);
  const record = encodeRecord(plan);
  const headLength =
    generationEnd + 1 + places.reduce((sum, place) => sum + Buffer.byteLength(place) + 2, 0);
  const bytes = Buffer.allocUnsafe(headLength + record.length);
  headStart.copy(bytes);
  bytes.write(numberText(plan.generation), headStart.length, 'latin1');
  let at = bytes.writeUInt8(places.length, generationEnd);
  for (const place of places) {
    at += bytes.write(place.charAt(0), at, 'latin1');
    const length = bytes.write(place.slice(1), at + 2);
    at = bytes.writeUInt16BE(length, at) + length;
  }
  record.copy(bytes, at);
  return bytes;
}

/** Throws UnreadableRecord. */
export function decodeHeld(key: string, bytes: Buffer): HeldPlan {
  const holders = new Map<string, string>();
  let at = generationEnd + 1;
  if (!bytes.subarray(0, headStart.length).equals(headStart) || bytes.length < at) {
    throw new UnreadableRecord(key, 'it begins as no record of this forsund does');
  }
  for (let left = bytes.readUInt8(generationEnd); left > 0; left--) {
    if (at + 3 > bytes.length) throw new UnreadableRecord(key, 'its head ends too early');
    const end = at + 3 + bytes.readUInt16BE(at + 1);
    if (bytes.toString('latin1', at, at + 1) === 'h') {
      const [session = '', firing = ''] = bytes.toString('utf8', at + 3, end).split('\0');
      holders.set(firing, session);
    }
    at = end;
  }
  return { plan: decodeRecord(key, bytes.subarray(at)), holders };
}

/**
 * What a script compares to tell whether a record is still the one that was read: the head and the mark
 * of the record. `-` for one that was not there, `=` before the bytes of one that was.
 */
export function tokenOf(bytes: Buffer | undefined): Buffer {
  if (bytes === undefined) return absentToken;
  return Buffer.concat([Buffer.from('='), bytes.subarray(0, markEnd(bytes))]);
}

function markEnd(bytes: Buffer): number {
  let at = generationEnd + 1;
  for (let left = bytes[generationEnd] ?? 0; left > 0 && at + 3 <= bytes.length; left--) {
    at += 3 + bytes.readUInt16BE(at + 1);
  }
  return at + recordMark;
}
