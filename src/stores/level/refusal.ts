import { reasonOf } from './faults.ts';

/**
 * Why a store is not opened:
 * locked: another process has it; damaged: it lacks or garbles what it acknowledged; foreign: it is
 * something else, or of a newer format; dump: plans of the original wait to be imported; unusable: the
 * system does not let us (permissions, a full disk).
 */
export type RefusalKind = 'locked' | 'damaged' | 'foreign' | 'dump' | 'unusable';

/** A store that will not be opened; the message says what, where, and what to do, on one line. */
export class StoreRefusal extends Error {
  override readonly name = 'StoreRefusal';
  readonly kind: RefusalKind;
  /** Where, when it is damaged. */
  readonly damage?: Damage;

  constructor(
    kind: RefusalKind,
    message: string,
    options: { readonly cause?: unknown; readonly damage?: Damage } = {},
  ) {
    super(message, options);
    this.kind = kind;
    if (options.damage !== undefined) this.damage = options.damage;
  }
}

/** What the system said when it did not let us open the store. */
export const storeUnusable = (directory: string, cause: unknown): StoreRefusal =>
  new StoreRefusal('unusable', `${directory}: the store cannot be opened: ${reasonOf(cause)}`, {
    cause,
  });

/** A place in a store's files that is not as it was written. */
export interface Damage {
  readonly file: string;
  /** Bytes from the start of the file; absent when the file as a whole is meant. */
  readonly offset?: number;
  readonly what: string;
}

export const describeDamage = ({ file, offset, what }: Damage): string =>
  offset === undefined ? `${file}: ${what}` : `${file}, byte ${offset}: ${what}`;

export const storeDamaged = (damage: Damage, cause?: unknown): StoreRefusal =>
  new StoreRefusal(
    'damaged',
    `the store is damaged: ${describeDamage(damage)}; nothing was changed. ` +
      '`forsund check` lists all damage, `forsund check --repair` builds a sound store from what can ' +
      'be read and keeps the damaged one aside',
    { cause, damage },
  );
