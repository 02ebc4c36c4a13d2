import { quote } from '../core/errors.ts';
import { type LevelStoreOptions, openLevelStore } from './level/open-level-store.ts';
import { openSharedStore, type SharedStoreOptions } from './redis/open-shared-store.ts';
import type { Store } from './store.ts';

/** What a store of an extension is opened with; it takes what concerns it. */
export type StoreOptions = LevelStoreOptions &
  Required<Pick<LevelStoreOptions, 'counters' | 'failuresKept' | 'policy'>>;

/** What any store is opened with. */
export type AnyStoreOptions = StoreOptions & SharedStoreOptions;

/** Opens a store of one driver. */
export type StoreOpener = (options: StoreOptions) => Promise<Store>;

/** The drivers that come with the server, named as forsun's: the embedded store, and that of several servers. */
export const builtinDrivers: ReadonlyMap<string, (options: AnyStoreOptions) => Promise<Store>> =
  new Map<string, (options: AnyStoreOptions) => Promise<Store>>([
    ['mem', openLevelStore],
    ['redis', openSharedStore],
  ]);

/** Opens the store of that driver, one of ours or of `others`; an unknown one is refused by name. */
export async function openStore(
  driver: string,
  options: AnyStoreOptions,
  others: ReadonlyMap<string, StoreOpener> = new Map(),
): Promise<Store> {
  const open = builtinDrivers.get(driver);
  if (open !== undefined) return open(options);
  const other = others.get(driver);
  const { redis: _redis, ...shared } = options;
  if (other !== undefined) return other(shared);
  const known = [...builtinDrivers.keys(), ...others.keys()].join(', ');
  throw new Error(`no store driver is called ${quote(driver)}; there are ${known}`);
}
