import { ForsunPlanError } from './errors.ts';

/**
 * What the generated writer would send wrong, refused before it is written: numbers that do not fit wrap
 * around, and a text that is none leaves half a message in the connection.
 */
export const checked = {
  /** A time field; absent is -1, unset. */
  field: (name: string, value: number | undefined): number =>
    integer(1002, name, value ?? -1, -32_768, 32_767),

  count: (value: number | undefined): number => integer(1007, 'count', value ?? 1, 0, 32_767),

  limit: (value: number, most: number): number => integer(1007, 'limit', value, 1, most),

  /** A number that is sent in 64 bits. */
  whole: (name: string, value: number): number =>
    integer(1007, name, value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),

  /** A number that is sent in 32 bits. */
  int: (name: string, value: number): number =>
    integer(1007, name, value, -2_147_483_648, 2_147_483_647),

  /** Absent or empty: none. */
  token(value: string | undefined): string | undefined {
    if (value === undefined || value === '') return undefined;
    if (/^[!-~]{1,100}$/.test(value)) return value;
    throw new TypeError('a token is 1 to 100 visible characters of ASCII');
  },

  text(name: string, value: unknown): string {
    if (typeof value !== 'string') {
      throw new TypeError(`${name} is a string, not ${value === null ? 'null' : typeof value}`);
    }
    if (/\p{Surrogate}/u.test(value)) {
      throw new ForsunPlanError(1007, `${name} holds half a character, which UTF-8 cannot say`);
    }
    return value;
  },
};

function integer(code: number, name: string, value: number, from: number, to: number): number {
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  throw new ForsunPlanError(
    code,
    `${name} is a whole number from ${from} to ${to}, not ${String(value)}`,
  );
}
