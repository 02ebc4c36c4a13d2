import { WireCode } from './wire-code.ts';

/** A type of the contract; `kind` says what it is here, `code` what it is on the wire. */
export type WireType =
  | typeof bool
  | typeof i16
  | typeof i32
  | typeof i64
  | typeof text
  | typeof textMap
  | typeof textList
  | StructType<Fields>
  | ListType<Fields>;

export const bool = { kind: 'bool', code: WireCode.bool } as const;
export const i16 = { kind: 'i16', code: WireCode.i16 } as const;
export const i32 = { kind: 'i32', code: WireCode.i32 } as const;
export const i64 = { kind: 'i64', code: WireCode.i64 } as const;
export const text = { kind: 'text', code: WireCode.text } as const;
export const textMap = { kind: 'textMap', code: WireCode.map } as const;
export const textList = { kind: 'textList', code: WireCode.list } as const;

/** A field; with a default it is always there once read. */
export interface Field<T extends WireType = WireType, D = unknown> {
  readonly id: number;
  readonly type: T;
  readonly default: D;
}

export type Fields = Readonly<Record<string, Field>>;

export interface NamedField extends Field {
  readonly name: string;
}

/** A struct as a table: its fields by name, in ascending order of ids, which is that of writing. */
export interface StructType<F extends Fields> {
  readonly kind: 'struct';
  readonly code: typeof WireCode.struct;
  readonly fields: F;
  /** The same fields as writing goes along them, and as reading finds them. */
  readonly list: readonly NamedField[];
  readonly byId: ReadonlyMap<number, NamedField>;
  /** A value with every default and nothing else. */
  readonly defaults: Readonly<Record<string, unknown>>;
}

export interface ListType<F extends Fields> {
  readonly kind: 'structList';
  readonly code: typeof WireCode.list;
  readonly element: StructType<F>;
}

export function field<const T extends WireType>(id: number, type: T): Field<T, undefined>;
export function field<const T extends WireType>(
  id: number,
  type: T,
  value: ValueOf<T>,
): Field<T, ValueOf<T>>;
export function field(id: number, type: WireType, value?: unknown): Field {
  return { id, type, default: value };
}

export function struct<const F extends Fields>(fields: F): StructType<F> {
  const list = Object.entries(fields).map(([name, declared]) => ({ name, ...declared }));
  return {
    kind: 'struct',
    code: WireCode.struct,
    fields,
    list,
    byId: new Map(list.map((declared) => [declared.id, declared])),
    defaults: Object.fromEntries(list.map((declared) => [declared.name, declared.default])),
  };
}

export const listOf = <F extends Fields>(element: StructType<F>): ListType<F> => ({
  kind: 'structList',
  code: WireCode.list,
  element,
});

/** What a value of the type is in here. */
export type ValueOf<T> = T extends { kind: 'bool' }
  ? boolean
  : T extends { kind: 'i16' | 'i32' | 'i64' }
    ? number
    : T extends { kind: 'text' }
      ? string
      : T extends { kind: 'textMap' }
        ? ReadonlyMap<string, string>
        : T extends { kind: 'textList' }
          ? readonly string[]
          : T extends StructType<infer F>
            ? StructValue<F>
            : T extends ListType<infer F>
              ? readonly StructValue<F>[]
              : never;

/** A struct as it was read: a field without a default may be missing. */
export type StructValue<F extends Fields> = {
  readonly [N in keyof F]: undefined extends F[N]['default']
    ? ValueOf<F[N]['type']> | undefined
    : ValueOf<F[N]['type']>;
};

/** A struct to write: what is missing is not written, the reader's default holds. */
export type StructDraft<F extends Fields> = {
  readonly [N in keyof F]?: DraftOf<F[N]['type']> | undefined;
};

type DraftOf<T> =
  T extends StructType<infer F>
    ? StructDraft<F>
    : T extends ListType<infer F>
      ? readonly StructDraft<F>[]
      : ValueOf<T>;
