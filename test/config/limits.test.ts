import { expect, test } from 'vitest';

import { limitsOf } from '../../src/config/limits.ts';
import { allSettings, loadConfig } from '../../src/config/load.ts';

test('every setting that is a limit is told, as it stands', () => {
  const environment = { FORSUN_ACTION_MAX_RUNS: '77', FORSUN_THRIFT_MAX_MESSAGE_BYTES: '8M' };
  const limits = limitsOf(loadConfig({ environment }).config);
  expect(limits.get('action_max_runs')).toBe('77');
  expect(limits.get('thrift_max_message_bytes')).toBe(String(8 * 1024 ** 2));
  expect(limits.get('max_unfinished')).toBe('10');
  const named = allSettings.map(({ name }) => name).filter((name) => /(^|_)MAX_/.test(name));
  expect([...limits.keys()]).toEqual(named.map((name) => name.toLowerCase()));
});
