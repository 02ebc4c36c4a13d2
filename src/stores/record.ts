import { crc32 } from 'node:zlib';

import { ForsunError, quote } from '../core/errors.ts';
import type { Params, PlanStatus } from '../core/plan.ts';
import { addSeconds, type UnixSeconds, unixSeconds } from '../core/time.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { readUnfinished, writeUnfinished } from './record-firings.ts';
import { readSchedule, scheduleKinds, writeSchedule } from './record-schedule.ts';
import { planAt, type StoredPlan } from './stored-plan.ts';

/**
 * A plan as bytes. Its key is not in it, but under its checksum, so that a record can stand under no other
 * key. Numbers are varints, `±` signed ones, times seconds since the created time. Version 2 is that of a
 * plan that was triggered, and of no other.
 *
 *   byte     version: 1, or 2
 *   uint32   CRC-32 of the key and of all that follows (little-endian)
 *   varint   flags: 1 has next fire time, 2 has last fire time, 4 has expiry, 8 has unfinished firings,
 *            16 + 32 status (0 none, 1 done, 2 failed), 64 + 128 schedule (0 interval, 1 calendar, 2 cron)
 *   varint   generation
 *   ±        created time, since the epoch
 *   ±, ±, ±  next fire time, last fire time, expiry: each if it has one
 *   varint   firings made, then firings to make; in version 2, firings triggered
 *   schedule interval: seconds, fields; calendar: fields, zone, year; cron: expression, zone
 *            fields: byte, a bit each for second, minute, hour, day, month, week, year; ± each that is set
 *   text     action
 *   varint   params, then name and value of each
 *   varint   unfinished firings, if any; of each ± fire time, in version 2 its trigger's number or 0,
 *            attempt, failures, crashes, state: 0 in flight, 1 waiting and ± until, 2 parked and text origin
 */
const plainVersion = 1;
const triggeredVersion = 2;
const headerBytes = 5;

const has = { next: 1, last: 2, expires: 4, unfinished: 8 } as const;
const statusUnit = 16;
const statuses: readonly PlanStatus[] = [0, 1, -1];
const scheduleUnit = 64;
const flagsEnd = 256;

/** A record that cannot be read; the message says of which plan, what came and what was expected. */
export class UnreadableRecord extends ForsunError {
  readonly key: string;

  constructor(key: string, reason: string, options?: ErrorOptions) {
    super('unknown', `the record of the plan ${quote(key)} cannot be read: ${reason}`, options);
    this.key = key;
  }
}

const writer = new ByteWriter();

export function encodeRecord(plan: StoredPlan): Buffer {
  try {
    writer.byte(plan.triggers === undefined ? plainVersion : triggeredVersion);
    writer.uint32(0);
    writePlan(plan);
  } catch (error) {
    writer.drop();
    throw error;
  }
  const record = writer.take();
  record.writeUInt32LE(crc32(record.subarray(headerBytes), crc32(plan.key)), 1);
  return record;
}

/** Throws UnreadableRecord for a newer version, and for bytes that are not what was written under the key. */
export function decodeRecord(key: string, record: Buffer): StoredPlan {
  const came = record[0];
  if (came === undefined) throw new UnreadableRecord(key, 'it is empty');
  if (came !== plainVersion && came !== triggeredVersion) {
    throw new UnreadableRecord(
      key,
      `it has version ${came}, this forsund reads versions ${plainVersion} and ${triggeredVersion}`,
    );
  }
  if (record.length < headerBytes) {
    throw new UnreadableRecord(key, `it has ${record.length} bytes, fewer than its header`);
  }
  const stored = record.readUInt32LE(1);
  const computed = crc32(record.subarray(headerBytes), crc32(key));
  if (stored !== computed) {
    throw new UnreadableRecord(
      key,
      `its checksum is ${hex(stored)}, that of its bytes is ${hex(computed)}`,
    );
  }
  try {
    return readPlan(key, new ByteReader(record, headerBytes), came === triggeredVersion);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnreadableRecord(key, `its checksum is right, yet ${reason}`, { cause: error });
  }
}

function writePlan(plan: StoredPlan): void {
  const { createdTime, nextFireTime, lastFireTime, expires, schedule, triggers, unfinished } = plan;
  writer.varint(
    (nextFireTime === undefined ? 0 : has.next) +
      (lastFireTime === undefined ? 0 : has.last) +
      (expires === undefined ? 0 : has.expires) +
      (unfinished.length === 0 ? 0 : has.unfinished) +
      statuses.indexOf(plan.status) * statusUnit +
      scheduleKinds.indexOf(schedule.kind) * scheduleUnit,
  );
  writer.varint(plan.generation);
  writer.signed(createdTime);
  if (nextFireTime !== undefined) writer.signed(nextFireTime - createdTime);
  if (lastFireTime !== undefined) writer.signed(lastFireTime - createdTime);
  if (expires !== undefined) writer.signed(expires - createdTime);
  writer.varint(plan.firedCount);
  writer.varint(plan.count);
  if (triggers !== undefined) writer.varint(triggers);
  writeSchedule(schedule, writer);
  writer.text(plan.action);
  writer.varint(plan.params.size);
  for (const [name, value] of plan.params) {
    writer.text(name);
    writer.text(value);
  }
  if (unfinished.length > 0)
    writeUnfinished(unfinished, writer, createdTime, triggers !== undefined);
}

function readPlan(key: string, reader: ByteReader, isTriggered: boolean): StoredPlan {
  const flags = reader.varint();
  const status = statuses[Math.floor(flags / statusUnit) % 4];
  const kind = scheduleKinds[Math.floor(flags / scheduleUnit) % 4];
  if (flags >= flagsEnd || status === undefined || kind === undefined) {
    throw new RangeError(`its flags are ${flags}, which its version does not know`);
  }
  const generation = reader.varint();
  const createdTime = unixSeconds(reader.signed());
  const timeIf = (flag: number): UnixSeconds | undefined =>
    (flags & flag) === 0 ? undefined : addSeconds(createdTime, reader.signed());
  const nextFireTime = timeIf(has.next);
  const lastFireTime = timeIf(has.last);
  const expires = timeIf(has.expires);
  const firedCount = reader.varint();
  const count = reader.varint();
  const triggers = isTriggered ? reader.varint() : undefined;
  const schedule = readSchedule(kind, reader);
  const action = reader.text();
  const params = readParams(reader);
  const unfinished =
    (flags & has.unfinished) === 0 ? [] : readUnfinished(reader, createdTime, isTriggered);
  if (reader.rest > 0) throw new RangeError(`${reader.rest} bytes follow its end`);
  return planAt(
    { key, schedule, count, action, params, generation, createdTime },
    { nextFireTime, lastFireTime, expires, firedCount, triggers, status, unfinished },
  );
}

function readParams(reader: ByteReader): Params {
  const params = new Map<string, string>();
  for (let left = reader.varint(); left > 0; left--) params.set(reader.text(), reader.text());
  return params;
}

const hex = (crc: number): string => crc.toString(16).padStart(8, '0');
