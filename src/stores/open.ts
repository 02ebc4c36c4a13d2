import { quote } from '../core/errors.ts';
import { type LevelStoreOptions, openLevelStore } from './level/open-level-store.ts';
import type { Store } from './store.ts';

/** What any store is opened with; each takes what concerns it. */
export type StoreOptions = LevelStoreOptions &
  Required<Pick<LevelStoreOptions, 'counters' | 'failuresKept' | 'policy'>>;

/** Opens a store of one driver. */
export type StoreOpener = (options: StoreOptions) => Promise<Store>;

/** The drivers that come with the server; `mem`, named as forsun's, is the embedded store. */
export const builtinDrivers: ReadonlyMap<string, StoreOpener> = new Map([['mem', openLevelStore]]);

/** Opens the store of that driver, one of ours or of `others`; an unknown one is refused by name. */
export async function openStore(
  driver: string,
  options: StoreOptions,
  others: ReadonlyMap<string, StoreOpener> = new Map(),
): Promise<Store> {
  const open = builtinDrivers.get(driver) ?? others.get(driver);
  if (open !== undefined) return open(options);
  const known = [...builtinDrivers.keys(), ...others.keys()].join(', ');
  throw new Error(`no store driver is called ${quote(driver)}; there are ${known}`);
}
