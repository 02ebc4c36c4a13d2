import { expect, test } from 'vitest';

import { ActionRegistry } from '../../src/actions/action.ts';
import { beanstalkParams } from '../../src/actions/beanstalk.ts';
import { actionDefaults, builtinActions } from '../../src/actions/builtin.ts';
import { httpParams } from '../../src/actions/http-call.ts';
import { mysqlParams } from '../../src/actions/mysql.ts';
import { paramFacts } from '../../src/actions/param-schema.ts';
import { redisParams } from '../../src/actions/redis.ts';
import { shellParams } from '../../src/actions/shell.ts';
import { thriftParams } from '../../src/actions/thrift.ts';
import { network, realClock, RecordedLog } from './support.ts';

const deps = {
  clock: realClock,
  log: new RecordedLog(),
  version: '0',
  environment: {},
  ...network(),
};

test('the actions that come with the server are there', async () => {
  const registry = new ActionRegistry(
    builtinActions({ ...actionDefaults, shellLeave: 'given' }, deps),
  );
  expect(registry.names()).toEqual(['shell', 'http', 'redis', 'thrift', 'beanstalk', 'mysql']);
  await registry.close();
});

test.each([
  ['exposed', /^the action shell is off: the server listens beyond this machine; .*--allow-shell/],
  ['forbidden', /^the action shell is off: the server was started with --allow-shell no/],
] as const)('shell that is %s is off, and the refusal says why', async (shellLeave, reason) => {
  const registry = new ActionRegistry(builtinActions({ ...actionDefaults, shellLeave }, deps));
  expect(registry.names()).not.toContain('shell');
  expect(() => registry.get('shell')).toThrow(reason);
  await registry.close();
});

test('every param says what is expected of it', () => {
  const schemas = [
    shellParams,
    httpParams,
    redisParams,
    thriftParams,
    beanstalkParams,
    mysqlParams,
  ];
  for (const { shape } of schemas) {
    for (const schema of Object.values(shape)) {
      expect(paramFacts.get(schema)?.expected).toMatch(/\w/);
    }
  }
});
