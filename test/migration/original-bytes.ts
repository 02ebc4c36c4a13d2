/** Bytes as the original's packer (msgpack for Python before 1.0) writes them: no str8, no bin; ints as short as can be. */
export function packed(value: Packable): Buffer {
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === 'boolean') return Buffer.from([value ? 0xc3 : 0xc2]);
  if (value instanceof Float) return doubleOf(value.value);
  if (typeof value === 'number') return integerOf(value);
  if (typeof value === 'string') return rawOf(Buffer.from(value));
  if (value instanceof Uint8Array) return rawOf(Buffer.from(value));
  if (Array.isArray(value)) {
    return Buffer.concat([headOf(value.length, [0x90, 16], 0xdc), ...value.map(packed)]);
  }
  const pairs = value instanceof Map ? [...value] : Object.entries(value);
  const parts = pairs.flatMap(([name, one]) => [packed(name as Packable), packed(one as Packable)]);
  return Buffer.concat([headOf(pairs.length, [0x80, 16], 0xde), ...parts]);
}

export type Packable =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Float
  | readonly Packable[]
  | ReadonlyMap<Packable, Packable>
  | { readonly [name: string]: Packable };

/** A number that Python has as a float. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

function doubleOf(value: number): Buffer {
  const bytes = Buffer.alloc(9, 0xcb);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function integerOf(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  if (value >= 0 && value <= 0x7f) return Buffer.from([value]);
  if (value < 0 && value >= -32) return Buffer.from([value + 0x100]);
  const widths = [1, 2, 4] as const;
  const width = widths.find((one) =>
    value < 0 ? value >= -(2 ** (8 * one - 1)) : value < 2 ** (8 * one),
  );
  if (width === undefined) {
    bytes.writeUInt8(value < 0 ? 0xd3 : 0xcf);
    bytes.writeBigInt64BE(BigInt(value), 1);
    return bytes;
  }
  bytes.writeUInt8((value < 0 ? 0xd0 : 0xcc) + widths.indexOf(width));
  if (value < 0) bytes.writeIntBE(value, 1, width);
  else bytes.writeUIntBE(value, 1, width);
  return bytes.subarray(0, 1 + width);
}

const rawOf = (bytes: Buffer): Buffer =>
  Buffer.concat([headOf(bytes.length, [0xa0, 32], 0xda), bytes]);

/** `short` and below how many it holds, else in 16 or, with the next type, in 32 bits. */
function headOf(length: number, [short, below]: readonly [number, number], type: number): Buffer {
  if (length < below) return Buffer.from([short + length]);
  const bytes = Buffer.alloc(5);
  const isLong = length > 0xffff;
  bytes.writeUInt8(isLong ? type + 1 : type);
  if (isLong) bytes.writeUInt32BE(length, 1);
  else bytes.writeUInt16BE(length, 1);
  return bytes.subarray(0, isLong ? 5 : 3);
}

/** A plan as the original has it, in the order in which it packs one. */
export interface OriginalFields {
  readonly key: Packable;
  readonly second?: Packable;
  readonly minute?: number;
  readonly hour?: number;
  readonly day?: number;
  readonly month?: number;
  readonly week?: number;
  readonly count?: number;
  readonly isTimeOut?: boolean;
  readonly nextTime?: number | null;
  readonly currentCount?: number;
  readonly lastTimeout?: number;
  readonly createdTime?: number;
  readonly action?: string;
  readonly params?: Packable;
}

export const packedPlan = (plan: OriginalFields): Buffer =>
  packed({
    key: plan.key,
    second: plan.second ?? -1,
    minute: plan.minute ?? -1,
    hour: plan.hour ?? -1,
    day: plan.day ?? -1,
    month: plan.month ?? -1,
    week: plan.week ?? -1,
    status: 0,
    count: plan.count ?? 0,
    is_time_out: plan.isTimeOut ?? false,
    next_time: plan.nextTime ?? null,
    current_count: plan.currentCount ?? 0,
    last_timeout: plan.lastTimeout ?? 0,
    created_time: new Float(plan.createdTime ?? 0),
    action: plan.action ?? 'shell',
    params: plan.params ?? { cmd: 'true' },
  });

/** A dump of the `mem` store, with the index of due times that goes with the plans. */
export const packedDump = (plans: readonly OriginalFields[], currentTime = 0): Buffer =>
  packed({
    plans: plans.map(packedPlan),
    time_plans: new Map<Packable, Packable>(
      plans.map(({ key, nextTime }) => [nextTime ?? 0, [key]] as const),
    ),
    current_time: currentTime,
  });
