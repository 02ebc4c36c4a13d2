import type { UnfinishedFiring, UnfinishedState } from '../core/firing.ts';
import { addSeconds, type UnixSeconds } from '../core/time.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

// The unfinished firings in a plan's record, as record.ts draws them.

/** In the order of their numbers. */
const stateKinds = ['in_flight', 'waiting', 'parked'] as const;

/** `isTriggered`: the plan was, so each of them has its trigger's number, or 0. */
export function writeUnfinished(
  firings: readonly UnfinishedFiring[],
  writer: ByteWriter,
  createdTime: UnixSeconds,
  isTriggered: boolean,
): void {
  writer.varint(firings.length);
  for (const { fireTime, trigger = 0, attempt, failures, crashes, state } of firings) {
    writer.signed(fireTime - createdTime);
    if (isTriggered) writer.varint(trigger);
    writer.varint(attempt);
    writer.varint(failures);
    writer.varint(crashes);
    writer.byte(stateKinds.indexOf(state.kind));
    if (state.kind === 'waiting') writer.signed(state.until - createdTime);
    if (state.kind === 'parked') writer.text(state.origin);
  }
}

export function readUnfinished(
  reader: ByteReader,
  createdTime: UnixSeconds,
  isTriggered: boolean,
): UnfinishedFiring[] {
  const firings: UnfinishedFiring[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    firings.push({
      fireTime: addSeconds(createdTime, reader.signed()),
      ...triggerOf(isTriggered ? reader.varint() : 0),
      attempt: reader.varint(),
      failures: reader.varint(),
      crashes: reader.varint(),
      state: readState(reader, createdTime),
    });
  }
  return firings;
}

const triggerOf = (number: number): { trigger?: number } =>
  number === 0 ? {} : { trigger: number };

function readState(reader: ByteReader, createdTime: UnixSeconds): UnfinishedState {
  const code = reader.byte();
  const kind = stateKinds[code];
  switch (kind) {
    case 'in_flight':
      return { kind };
    case 'waiting':
      return { kind, until: addSeconds(createdTime, reader.signed()) };
    case 'parked':
      return { kind, origin: reader.text() };
    case undefined:
      throw new RangeError(`a firing is in the state ${code}, which its version does not know`);
    default:
      return kind satisfies never;
  }
}
