import type { ScriptArgument } from './script-runner.ts';

/** Records of a partition, in the order of their keys; undefined: there is none. */
export interface Records {
  /** The first of the generations that were wanted, or why there is none. */
  readonly generation: number | string;
  readonly records: readonly (Buffer | undefined)[];
}

/** Reads the records of the keys; a script answers so many that Redis is not held up, so it may take several. */
export async function readRecords(
  read: (args: readonly ScriptArgument[]) => Promise<readonly unknown[]>,
  keys: readonly string[],
  generations = 0,
): Promise<Records> {
  const records: (Buffer | undefined)[] = [];
  let generation: number | string | undefined;
  do {
    const wanted = generation === undefined ? generations : 0;
    const [first, found] = await read([wanted, ...keys.slice(records.length)]);
    if ((found as unknown[]).length === 0 && keys.length > 0) throw new TypeError('no record came');
    generation ??= typeof first === 'number' ? first : String(first);
    records.push(...(found as (Buffer | null)[]).map((record) => record ?? undefined));
  } while (records.length < keys.length);
  return { generation, records };
}
