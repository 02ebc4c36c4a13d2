import type { Firing } from '../core/firing.ts';
import type { Store } from '../stores/store.ts';
import type { BoundedLog } from './bounded-log.ts';

export interface ConfirmationDeps {
  readonly store: Pick<Store, 'confirm'>;
  readonly log: BoundedLog;
}

/**
 * Asks a shared store, just before a run, whether its firing is still ours to run: on another node its plan
 * may have been removed or replaced, and our lease may be lost.
 */
export class Confirmation {
  readonly #deps: ConfirmationDeps;

  constructor(deps: ConfirmationDeps) {
    this.#deps = deps;
  }

  /** False: somebody else may fire it. Undefined: the store cannot tell just now. */
  async isOurs(firing: Firing): Promise<boolean | undefined> {
    const { store, log } = this.#deps;
    try {
      return store.confirm === undefined ? true : await store.confirm(firing);
    } catch (error) {
      log.error('store', 'firings_not_confirmed', { error: String(error) });
      return undefined;
    }
  }
}
