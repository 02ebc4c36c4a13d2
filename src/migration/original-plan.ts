import { BadMsgpack, type Packed, PackedMap, unpack } from './msgpack.ts';

/**
 * A plan as the original forsun keeps it: a msgpack map of sixteen, here as they are packed.
 *
 *   key                            text
 *   second … week                  -1: unset; of an interval, what is negative counts nothing
 *   status                         not kept up
 *   count, is_time_out, next_time  next_time: absent when the plan has ended
 *   current_count, last_timeout    firings so far, and the time of the newest; 0: none
 *   created_time                   a float
 *   action, params                 text; a map of texts, by the HTTP door of anything
 *
 * Times are those of the zone of its server: see source-zone.ts.
 */
export interface OriginalPlan {
  readonly key: string;
  readonly isInterval: boolean;
  readonly fields: OriginalFields;
  readonly count: number;
  readonly nextTime: number | undefined;
  readonly firedCount: number;
  readonly lastTimeout: number | undefined;
  readonly createdTime: number | undefined;
  readonly action: string;
  readonly params: ReadonlyMap<string, string>;
}

export const fieldNames = ['second', 'minute', 'hour', 'day', 'month', 'week'] as const;

/** What is absent is unset. */
export type OriginalFields = { readonly [Name in (typeof fieldNames)[number]]?: number };

/** A plan that cannot be carried over; the message says why, without its params. */
export class BadOriginal extends Error {
  override readonly name = 'BadOriginal';
}

/** The plan that is packed in these bytes; throws BadOriginal. */
export function originalPlanOf(bytes: Buffer): OriginalPlan {
  const map = unpacked(bytes).byName();
  const number = (name: string, byDefault = 0): number => numberOf(name, map.get(name), byDefault);
  const time = (name: string): number | undefined => Math.floor(number(name)) || undefined;
  const fields: { [Name in (typeof fieldNames)[number]]?: number } = {};
  for (const name of fieldNames) {
    const value = wholeOf(name, number(name, -1));
    if (value >= 0) fields[name] = value;
  }
  return {
    key: textOf('key', map.get('key')),
    isInterval: map.get('is_time_out') === true,
    fields,
    count: wholeOf('count', number('count')),
    nextTime: time('next_time'),
    firedCount: Math.max(wholeOf('current_count', number('current_count')), 0),
    lastTimeout: time('last_timeout'),
    createdTime: time('created_time'),
    action: textOf('action', map.get('action')),
    params: paramsOf(map.get('params')),
  };
}

function unpacked(bytes: Buffer): PackedMap {
  try {
    const value = unpack(bytes);
    if (value instanceof PackedMap) return value;
  } catch (error) {
    if (!(error instanceof BadMsgpack)) throw error;
    throw new BadOriginal(`it is no plan of the original: ${error.message}`);
  }
  throw new BadOriginal('it is no plan of the original: no map is packed in it');
}

function numberOf(name: string, value: Packed | undefined, byDefault: number): number {
  if (value === undefined || value === null) return byDefault;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new BadOriginal(`its ${name} is no number`);
}

function wholeOf(name: string, value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new BadOriginal(`its ${name} is ${value}, expected a whole number`);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Numbers, too: the HTTP door of the original checked no types. */
function textOf(name: string, value: Packed | undefined): string {
  if (typeof value === 'number') return String(value);
  if (!(value instanceof Buffer)) throw new BadOriginal(`its ${name} is no text`);
  try {
    return decoder.decode(value);
  } catch {
    throw new BadOriginal(`its ${name} is no UTF-8`);
  }
}

function paramsOf(value: Packed | undefined): ReadonlyMap<string, string> {
  if (!(value instanceof PackedMap)) throw new BadOriginal('its params are no map');
  return new Map(
    value.entries.map(([name, one]) => {
      const known = textOf('param', name);
      return [known, textOf(`param ${JSON.stringify(known)}`, one)];
    }),
  );
}
