// Writes batches to the store named by its argument until it is killed, and says the number of each on
// its standard output once it is acknowledged. Runs the built code: a process needs no test runner.
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { openDatabase } from '../../dist/stores/level/database.js';

const [directory, firstText, sync] = process.argv.slice(2);
const quiet = () => undefined;
const database = await openDatabase({
  directory,
  sync,
  clock: {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after: (ms, callback) => {
      const timer = setTimeout(callback, ms).unref();
      return () => clearTimeout(timer);
    },
  },
  log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  reserveBytes: 0,
  onFatal: (error) => {
    writeSync(2, `${error.message}\n`);
    process.exit(70);
  },
});
for (let n = Number(firstText); ; n++) {
  try {
    await database.write((batch) => {
      for (let part = 0; part < 20; part++) {
        batch.put(Buffer.from(`b${n}/${part}`), Buffer.alloc(500, `${n};`));
      }
    });
    writeSync(1, `${n}\n`);
  } catch (error) {
    writeSync(2, `${n}: ${error.message}\n`);
    await sleep(20);
  }
}
