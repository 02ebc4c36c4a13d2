import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { isMissing } from './faults.ts';
import { logRecords } from './log-format.ts';
import { storeDamaged } from './refusal.ts';
import { userKey } from './table.ts';
import { Varints } from './varints.ts';

/** Which files LevelDB's current version is made of, as CURRENT and the MANIFEST it names tell. */
export interface Manifest {
  readonly file: string;
  /** Logs from this number on hold what is not in a table yet. */
  readonly logNumber: number;
  readonly lastSequence: number;
  readonly tables: ReadonlyMap<number, LiveTable>;
}

export interface LiveTable {
  /** In bytes. */
  readonly size: number;
  /** The user's key that it starts with. */
  readonly firstKey: Buffer;
}

// VersionEdit::EncodeTo of LevelDB's db/version_edit.cc numbers its fields so.
const comparatorField = 1;
const logNumberField = 2;
const nextFileNumberField = 3;
const lastSequenceField = 4;
const compactPointerField = 5;
const deletedFileField = 6;
const newFileField = 7;
const previousLogNumberField = 9;

/** Reads the manifest in LevelDB's directory; refuses what LevelDB would take for an older state. */
export async function readManifest(database: string): Promise<Manifest> {
  const current = join(database, 'CURRENT');
  const name = /^(MANIFEST-\d+)\n$/.exec((await readNeeded(current)).toString())?.[1];
  if (name === undefined) throw storeDamaged({ file: current, what: 'it names no MANIFEST' });
  const file = join(database, name);
  return manifestOf(file, await readNeeded(file));
}

function manifestOf(file: string, bytes: Buffer): Manifest {
  const state: State = { tables: new Map() };
  const records = logRecords(bytes);
  let record = records.next();
  for (; record.done !== true; record = records.next()) {
    const { payload, start } = record.value;
    try {
      applyEdit(new Varints(payload), state);
    } catch (cause) {
      throw storeDamaged({ file, offset: start, what: 'it cannot be understood' }, cause);
    }
  }
  // A crash while the manifest grew leaves a cut record, which never counted; all else is damage.
  if (record.value?.isCut === false) throw storeDamaged({ file, ...record.value });
  const { logNumber, lastSequence, tables } = state;
  if (logNumber === undefined || lastSequence === undefined) {
    throw storeDamaged({ file, what: 'it is cut short' });
  }
  return { file, logNumber, lastSequence, tables };
}

interface State {
  logNumber?: number;
  lastSequence?: number;
  readonly tables: Map<number, LiveTable>;
}

function applyEdit(edit: Varints, state: State): void {
  while (!edit.isAtEnd) {
    const field = edit.number();
    switch (field) {
      case logNumberField:
        state.logNumber = edit.number();
        break;
      case lastSequenceField:
        state.lastSequence = edit.number();
        break;
      case nextFileNumberField:
      case previousLogNumberField:
        edit.number();
        break;
      case comparatorField:
        edit.bytes();
        break;
      case compactPointerField:
        edit.number();
        edit.bytes();
        break;
      case deletedFileField:
        edit.number();
        state.tables.delete(edit.number());
        break;
      case newFileField: {
        edit.number();
        const number = edit.number();
        const size = edit.number();
        state.tables.set(number, { size, firstKey: userKey(edit.bytes()) });
        edit.bytes();
        break;
      }
      default:
        throw new RangeError(`unknown field ${field}`);
    }
  }
}

async function readNeeded(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw storeDamaged({ file, what: 'it is missing' }, error);
  }
}
