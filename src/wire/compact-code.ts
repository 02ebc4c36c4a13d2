import { BrokenMessage } from './faults.ts';
import { WireCode } from './wire-code.ts';

export const compactFirstByte = 0x82;
/** Version in the lower five bits of the second byte, the message's type in the upper three. */
export const compactVersion = 1;

/** The compact protocol says a bool field's value in its type. */
export const CompactBool = { yes: 1, no: 2 } as const;

const pairs: readonly (readonly [compact: number, wire: number])[] = [
  [0, WireCode.stop],
  [CompactBool.no, WireCode.bool],
  [CompactBool.yes, WireCode.bool],
  [3, WireCode.byte],
  [4, WireCode.i16],
  [5, WireCode.i32],
  [6, WireCode.i64],
  [7, WireCode.double],
  [8, WireCode.text],
  [9, WireCode.list],
  [10, WireCode.set],
  [11, WireCode.map],
  [12, WireCode.struct],
  [13, WireCode.uuid],
];

const toWire = new Map(pairs);
const toCompact = new Map(pairs.map(([compact, wire]) => [wire, compact]));

/** The WireCode of a compact type; BrokenMessage when there is none such. */
export function wireCodeOf(compact: number): number {
  const code = toWire.get(compact);
  if (code === undefined) throw new BrokenMessage(`the compact protocol has no type ${compact}`);
  return code;
}

/** The compact type of a WireCode; for bool that of true, as containers name it. */
export function compactCodeOf(wire: number): number {
  const code = toCompact.get(wire);
  if (code === undefined) throw new TypeError(`the compact protocol cannot write type ${wire}`);
  return code;
}
