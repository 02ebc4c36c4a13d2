import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLog } from '../../src/core/log.ts';
import { openStore } from '../../src/stores/open.ts';
import { describeStore } from '../contract/store.ts';

describeStore('the embedded store', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'forsun-store-'));
  return {
    open: (clock, { statusKeepSeconds }) =>
      openStore({
        driver: 'mem',
        directory,
        sync: 'always',
        clock,
        log: silentLog,
        statusKeepSeconds,
        random: () => 0.5,
      }),
    destroy: () => rm(directory, { recursive: true }),
  };
});
