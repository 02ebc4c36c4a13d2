import type { FieldValues, Schedule } from '../core/schedule.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

// The schedule in a plan's record, as record.ts draws it.

/** In the order of their numbers. */
export const scheduleKinds = ['interval', 'calendar', 'cron'] as const;

export function writeSchedule(schedule: Schedule, writer: ByteWriter): void {
  switch (schedule.kind) {
    case 'interval':
      writer.varint(schedule.everySeconds);
      writeFields(schedule.fields, undefined, writer);
      return;
    case 'calendar':
      writeFields(schedule.fields, schedule.year, writer);
      writer.text(schedule.zone);
      return;
    case 'cron':
      writer.text(schedule.expression);
      writer.text(schedule.zone);
      return;
    default:
      schedule satisfies never;
  }
}

export function readSchedule(kind: Schedule['kind'], reader: ByteReader): Schedule {
  switch (kind) {
    case 'interval':
      return { kind, everySeconds: reader.varint(), fields: readFields(reader).fields };
    case 'calendar': {
      const { fields, year } = readFields(reader);
      return { kind, fields, zone: reader.text(), ...(year === undefined ? {} : { year }) };
    }
    case 'cron':
      return { kind, expression: reader.text(), zone: reader.text() };
    default:
      return kind satisfies never;
  }
}

const fieldNames = ['second', 'minute', 'hour', 'day', 'month', 'week'] as const;
const yearBit = 1 << fieldNames.length;

function writeFields(fields: FieldValues, year: number | undefined, writer: ByteWriter): void {
  let set = year === undefined ? 0 : yearBit;
  let bit = 1;
  for (const name of fieldNames) {
    if (fields[name] !== undefined) set |= bit;
    bit <<= 1;
  }
  writer.byte(set);
  for (const name of fieldNames) {
    const value = fields[name];
    if (value !== undefined) writer.signed(value);
  }
  if (year !== undefined) writer.signed(year);
}

function readFields(reader: ByteReader): { fields: FieldValues; year: number | undefined } {
  const set = reader.byte();
  const fields: Partial<Record<(typeof fieldNames)[number], number>> = {};
  let bit = 1;
  for (const name of fieldNames) {
    if ((set & bit) !== 0) fields[name] = reader.signed();
    bit <<= 1;
  }
  return { fields, year: (set & yearBit) === 0 ? undefined : reader.signed() };
}
