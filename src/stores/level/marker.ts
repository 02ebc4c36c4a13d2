import { readFile } from 'node:fs/promises';

import { isMissing } from './faults.ts';
import { storeDamaged, StoreRefusal } from './refusal.ts';

/** Says that a store is here, and how it is written; once it exists nothing is created anew. */
export interface Marker {
  readonly format: number;
  /** When the store was created, for people. */
  readonly created: string;
}

/** Raised when an older server could not read, or would spoil, what this one writes. */
const format = 1;
const name = 'forsun store';

export const markerText = (createdMs: number): string =>
  `${JSON.stringify({ what: name, format, created: new Date(createdMs).toISOString() })}\n`;

/** Undefined when there is none; refuses a newer format and what is no marker. */
export async function readMarker(file: string): Promise<Marker | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const marker = parse(text);
  if (marker === undefined) throw storeDamaged({ file, what: 'it is no marker of a forsun store' });
  if (marker.format !== format) {
    throw new StoreRefusal(
      'foreign',
      `${file}: the store has format ${marker.format}, this server reads format ${format}; ` +
        'start the newer server that wrote it, or name another directory',
    );
  }
  return marker;
}

function parse(text: string): Marker | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    if (!('what' in value && 'format' in value && 'created' in value)) return undefined;
    if (value.what !== name || !Number.isInteger(value.format)) return undefined;
    return { format: Number(value.format), created: String(value.created) };
  } catch {
    return undefined;
  }
}
