import type { FiringName } from '../../core/firing.ts';
import { type UnixSeconds, unixSeconds } from '../../core/time.ts';

/**
 * What a partition keeps in Redis. All names begin with `{prefix:server-id:partition}:`, so that a
 * partition is one hash slot and a script reaches all of it. The record (record.ts) is the single truth;
 * its head names the plan's places in all the indexes, so that one script moves it from place to place.
 *
 *   plans                 tree: every plan's key and record; a leaf is a list of key, record, key, record…
 *   due                   tree: fire-time key                  the plan's next fire time
 *   aside                 the same, of plans that cannot take it before one of their firings ends
 *   waiting               tree: due key 00 [firing]            a retry, a release, a re-claim; without a
 *                                                              firing: the ended plan expires
 *   held:<session>        set: key 00 firing                   in flight with that session
 *   parked:<origin>       sorted set: fire-time key 00 [trigger]
 *   origins               sorted set of origins that have something parked
 *   sessions              sorted set: a session's lease ends at that microsecond of Redis's clock
 *   replies               hash: what a session's newest write was answered, for when it is sent again
 *   claiming              the session that claims just now
 *   failures              list: the newest failures, the newest first; each: 16 digits, its number in the
 *                         partition, and the failure (../failure-entry.ts)
 *   failed                the newest failure's number
 *   count, generation     plans in the partition; the newest generation given out
 *   leaves                the newest leaf's number
 *
 * A tree is a sorted set of its leaves, `lowest 00 number`, all of score 0, each leaf a key of its own,
 * `<tree>:<number>`, with what sorts from its lowest on and before the next leaf's. Leaves are small, so
 * that Redis packs them: an entry costs its bytes and few more, where an entry of one large sorted set
 * costs a hundred. One of large plans has fewer, 256 KB of them: a script may have to read all of it. Times are seven characters that sort as the time does; a firing is its fire time and,
 * if it was triggered, the trigger's number. Keys of plans and origins hold no byte 00.
 */
/** As many as numbers of failures leave room for. */
export const maxPartitions = 64;

export const partitionBase = (prefix: string, serverId: number, partition: number): string =>
  `{${prefix}:${serverId}:${partition}}:`;

/** In the order of their bytes. */
const digits = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
const textLength = 7;
/** Of numbers that have a text: the first that has none. */
export const numberEnd = 2 ** 42;
const timeOffset = 2 ** 41;

/** A whole number from 0 to 2^42 - 1 as seven characters whose byte order is that of the numbers. */
export function numberText(number: number): string {
  if (!Number.isSafeInteger(number) || number < 0 || number >= numberEnd) {
    throw new TypeError(`${number} is no number from 0 to 2^42 - 1`);
  }
  const high = Math.floor(number / 2 ** 24);
  const low = number % 2 ** 24;
  return (
    digitAt(high, 12) +
    digitAt(high, 6) +
    digitAt(high, 0) +
    digitAt(low, 18) +
    digitAt(low, 12) +
    digitAt(low, 6) +
    digitAt(low, 0)
  );
}

const digitAt = (number: number, shift: number): string => digits.charAt((number >> shift) & 63);

export function numberOfText(text: string): number {
  let number = 0;
  for (let at = 0; at < textLength; at++) {
    const digit = digits.indexOf(text.charAt(at));
    if (digit < 0 || text.length <= at)
      throw new RangeError(`${JSON.stringify(text)} is no number`);
    number = number * 64 + digit;
  }
  return number;
}

/** Times beyond those it can tell apart are the first or the last that it can. */
export const timeText = (time: UnixSeconds): string =>
  numberText(Math.min(Math.max(time + timeOffset, 0), numberEnd - 1));

export const timeOfText = (text: string): UnixSeconds =>
  unixSeconds(numberOfText(text) - timeOffset);

export const firingText = ({ fireTime, trigger }: FiringName): string =>
  timeText(fireTime) + (trigger === undefined ? '' : String(trigger));

export function firingOfText(text: string): FiringName {
  const fireTime = timeOfText(text);
  const trigger = text.slice(textLength);
  return trigger === '' ? { fireTime } : { fireTime, trigger: Number(trigger) };
}

/** An entry of the trees due, aside and waiting. */
export interface TreeEntry {
  readonly due: UnixSeconds;
  readonly key: string;
  readonly firing?: FiringName;
}

export function treeEntryOf(member: string): TreeEntry {
  const due = timeOfText(member);
  const end = member.indexOf('\0', textLength);
  if (end < 0) return { due, key: member.slice(textLength) };
  const key = member.slice(textLength, end);
  const firing = member.slice(end + 1);
  return firing === '' ? { due, key } : { due, key, firing: firingOfText(firing) };
}

/** Of a parked firing: its fire time stands before the key, its trigger behind. */
export function parkedEntryOf(member: string): { key: string; firing: FiringName } {
  const end = member.indexOf('\0', textLength);
  const key = member.slice(textLength, end);
  return { key, firing: firingOfText(member.slice(0, textLength) + member.slice(end + 1)) };
}

/** A member of held:<session>. */
export const heldMember = (key: string, firing: FiringName): string =>
  `${key}\0${firingText(firing)}`;

export const keyOfHeldMember = (member: string): string => member.slice(0, member.indexOf('\0'));
