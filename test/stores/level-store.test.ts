import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLog } from '../../src/core/log.ts';
import type { NearAgendaBounds } from '../../src/stores/level/level-store.ts';
import { openLevelStore } from '../../src/stores/level/open-level-store.ts';
import { describeStoreModel } from '../contract/store-model.ts';
import { describeStore, type StorePlace } from '../contract/store.ts';

const placeWith = (nearAgenda?: NearAgendaBounds) => async (): Promise<StorePlace> => {
  const directory = await mkdtemp(join(tmpdir(), 'forsun-store-'));
  return {
    open: (clock, options) =>
      openLevelStore({
        directory,
        sync: 'always',
        reserveBytes: 0,
        clock,
        log: silentLog,
        onFatal: (error) => {
          throw error;
        },
        random: () => 0.5,
        ...options,
        ...(nearAgenda === undefined ? {} : { nearAgenda }),
      }),
    destroy: () => rm(directory, { recursive: true }),
  };
};

const few = { entries: 8, bytes: 8000, horizonSeconds: 4 };
const fewest = { entries: 2, bytes: 1000, horizonSeconds: 1 };

describeStore('the embedded store', placeWith());
describeStore('the embedded store, hardly anything of it in memory', placeWith(few));
describeStoreModel('the embedded store', placeWith());
describeStoreModel('the embedded store, hardly anything of it in memory', placeWith(fewest));
