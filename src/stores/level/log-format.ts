import { crc32c, maskCrc } from './crc32c.ts';

/**
 * LevelDB's log format, for its .log and MANIFEST files: blocks of 32 KiB, each a row of fragments
 * (masked CRC-32C u32 over type and data, length u16, type u8: 1 full, 2 first, 3 middle, 4 last, then
 * the data); what is left of a block when it is less than a header is not used.
 */
export interface LogRecord {
  readonly payload: Buffer;
  /** Where its first fragment starts and its last one ends. */
  readonly start: number;
  readonly end: number;
}

/** Why reading stopped before the end of the file. */
export interface LogFault {
  readonly offset: number;
  readonly what: string;
  /** The file just ends there, or holds nothing but zeros: as a crash leaves what was being written. */
  readonly isCut: boolean;
}

const blockSize = 32 * 1024;
const headerSize = 7;
const full = 1;
const first = 2;
const last = 4;

/** The whole records from there on, up to the first fragment that is not as written. */
export function* logRecords(bytes: Buffer, from = 0): Generator<LogRecord, LogFault | undefined> {
  let parts: Buffer[] = [];
  let start = from;
  let at = from;
  for (;;) {
    const fragment = fragmentAt(bytes, at);
    if (fragment === undefined) break;
    if ('what' in fragment) return fragment;
    const { type, data, offset, end } = fragment;
    const opens = type === full || type === first;
    if (opens !== (parts.length === 0)) {
      const what = opens ? 'a record starts inside another' : 'a record lacks its start';
      return { offset, what, isCut: false };
    }
    if (opens) start = offset;
    parts.push(data);
    at = end;
    if (type === full || type === last) {
      yield { payload: parts.length === 1 ? data : Buffer.concat(parts), start, end };
      parts = [];
    }
  }
  return parts.length === 0 ? undefined : cut(start);
}

/** Whether a sound fragment that starts a record lies at that offset. */
export function startsRecordAt(bytes: Buffer, offset: number): boolean {
  if (offset < 0 || (offset % blockSize) + headerSize > blockSize) return false;
  const fragment = fragmentAt(bytes, offset);
  if (fragment === undefined || 'what' in fragment || fragment.offset !== offset) return false;
  return fragment.type === full || fragment.type === first;
}

/** Bytes from a record's start to its data. */
export const recordHeaderSize = headerSize;

interface Fragment {
  readonly type: number;
  readonly data: Buffer;
  readonly offset: number;
  readonly end: number;
}

function fragmentAt(bytes: Buffer, at: number): Fragment | LogFault | undefined {
  const left = blockSize - (at % blockSize);
  const offset = left < headerSize ? at + left : at;
  if (offset >= bytes.length) return undefined;
  if (offset + headerSize > bytes.length) return cut(offset);
  const length = bytes.readUInt16LE(offset + 4);
  const type = bytes.readUInt8(offset + 6);
  const end = offset + headerSize + length;
  if ((offset % blockSize) + headerSize + length > blockSize) {
    return bad(bytes, offset, `a length of ${length} bytes passes the end of its block`);
  }
  if (end > bytes.length) return cut(offset);
  if (bytes.readUInt32LE(offset) !== maskCrc(crc32c(bytes.subarray(offset + 6, end)))) {
    return bad(bytes, offset, 'the checksum does not match');
  }
  if (type < full || type > last) return bad(bytes, offset, `unknown record type ${type}`);
  return { type, data: bytes.subarray(offset + headerSize, end), offset, end };
}

const cut = (offset: number): LogFault => ({ offset, what: 'a record is cut short', isCut: true });

function bad(bytes: Buffer, offset: number, what: string): LogFault {
  const isZero = bytes.subarray(offset).every((byte) => byte === 0);
  return isZero
    ? { offset, what: 'nothing but zeros follow', isCut: true }
    : { offset, what, isCut: false };
}
