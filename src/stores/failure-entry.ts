import { crc32 } from 'node:zlib';

import type { Failure } from '../core/failure.ts';
import { addSeconds, unixSeconds } from '../core/time.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

/**
 * A failure as bytes, version 2. Numbers are varints, `±` signed ones. Its number is in its key.
 *
 *   byte    version: 2; 1 had neither generation nor trigger, and was in no release
 *   uint32  CRC-32 of all that follows (little-endian)
 *   text    key, then action
 *   varint  generation
 *   ±       fire time, since the epoch
 *   varint  its trigger's number, or 0
 *   varint  attempts
 *   ±       when it failed, since the fire time
 *   text    reason
 */
const version = 2;
const headerBytes = 5;

const writer = new ByteWriter();

export function encodeFailure(failure: Failure): Buffer {
  const { key, generation, action, fireTime, trigger = 0, attempts, failedAt, reason } = failure;
  try {
    writer.byte(version);
    writer.uint32(0);
    writer.text(key);
    writer.text(action);
    writer.varint(generation);
    writer.signed(fireTime);
    writer.varint(trigger);
    writer.varint(attempts);
    writer.signed(failedAt - fireTime);
    writer.text(reason);
  } catch (error) {
    writer.drop();
    throw error;
  }
  const bytes = writer.take();
  bytes.writeUInt32LE(crc32(bytes.subarray(headerBytes)), 1);
  return bytes;
}

/** Throws RangeError for a newer version, and for bytes that are not what was written. */
export function decodeFailure(bytes: Buffer): Failure {
  if (bytes[0] !== version) {
    throw new RangeError(
      `it has version ${bytes[0] ?? 'none'}, this forsund reads version ${version}`,
    );
  }
  const body = bytes.subarray(headerBytes);
  if (bytes.length < headerBytes || bytes.readUInt32LE(1) !== crc32(body)) {
    throw new RangeError('its checksum does not match');
  }
  const reader = new ByteReader(body);
  const [key, action] = [reader.text(), reader.text()];
  const generation = reader.varint();
  const fireTime = unixSeconds(reader.signed());
  const trigger = reader.varint();
  const attempts = reader.varint();
  const failedAt = addSeconds(fireTime, reader.signed());
  const reason = reader.text();
  if (reader.rest > 0) throw new RangeError(`${reader.rest} bytes follow its end`);
  const failure = { key, generation, action, fireTime, attempts, failedAt, reason };
  return trigger === 0 ? failure : { ...failure, trigger };
}
