import { type LevelStoreOptions, openLevelStore } from './level/open-level-store.ts';
import type { Store } from './store.ts';

/** What each driver is opened with; `mem`, named as forsun's, is the embedded store. */
export type StoreOptions = { readonly driver: 'mem' } & LevelStoreOptions;

export function openStore({ driver, ...options }: StoreOptions): Promise<Store> {
  const openers = { mem: openLevelStore };
  return openers[driver](options);
}
