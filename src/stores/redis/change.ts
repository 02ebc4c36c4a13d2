import type { Needs, RedisView } from './redis-view.ts';

/**
 * Why a plan was not written: another has changed it, the lease is lost, or what Redis said against it. It is
 * unknown whether it was when the answer was lost, and what was answered is forgotten with the session.
 */
export type Obstacle =
  | { readonly kind: 'conflict' }
  | { readonly kind: 'lease_lost' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly reason: string };

/** What became of the writes of a group. */
export interface Written {
  /** Keys of plans that were not written. */
  readonly unwritten: ReadonlyMap<string, Obstacle>;
  /** Some of it was written, or another has changed it: to look again may bring something else. */
  readonly hasMoved: boolean;
}

/** A change: reads plans, changes them in one go, and is answered once that is written. */
export interface Change<T> {
  /** Looks around and adds what it finds to the view. Such a change stands in a group of its own. */
  readonly look?: (view: RedisView) => Promise<void>;
  /** Plans it reads, when it need not look. */
  readonly reads?: readonly string[];
  /** It makes a plan, and so takes a generation. What it reads is most likely not there. */
  readonly makesPlan?: boolean;
  /** Without which it is not written. */
  readonly needs: Needs;
  /** What it throws, its caller gets, and nothing of it is written. */
  apply(view: RedisView): Answer<T>;
}

/** Told to the caller once the change is written. Only a change that looks is told of plans that were not. */
export type Answer<T> = (written: Written) => T;
