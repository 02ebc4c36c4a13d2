import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { openLog, type ProcessLog } from '../../src/runtime/logger.ts';

let directory: string;
let log: ProcessLog;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'forsun-log-'));
  const file = join(directory, 'forsun.log');
  log = openLog({ file, level: 'info', rotate: { kind: 'never' }, backupCount: 0 });
});
afterEach(async () => {
  await log.close();
  rmSync(directory, { recursive: true });
});

const written = (): string => readFileSync(join(directory, 'forsun.log'), 'utf8');

test('what was logged stands in the file once flush returns, in the first turn and later', async () => {
  log.info('first');
  log.flush();
  expect(written()).toMatch(/ INFO first\n$/);
  await new Promise(setImmediate);
  log.warn('second');
  log.warn('third');
  expect(written()).toMatch(/ INFO first\n$/);
  log.flush();
  expect(written()).toMatch(/ INFO first\n.* WARN second\n.* WARN third\n$/);
});

test('lines below the level are not written', () => {
  log.debug('quiet');
  log.flush();
  expect(written()).toBe('');
});
