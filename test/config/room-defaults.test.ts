import { expect, test } from 'vitest';

import { actionDefaults } from '../../src/actions/builtin.ts';
import {
  actionSettings,
  httpOptions,
  schedulerSettings,
  storeSettings,
  thriftOptions,
} from '../../src/app/room-settings.ts';
import { loadConfig } from '../../src/config/load.ts';
import { defaultPlanLimits } from '../../src/core/plan-limits.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import { httpDefaults } from '../../src/interfaces/http/settings.ts';
import { thriftDefaults } from '../../src/interfaces/thrift/settings.ts';
import { retryDefaults } from '../../src/scheduler/backoff.ts';
import { dispatchDefaults } from '../../src/scheduler/lanes.ts';
import { failuresKeptDefault } from '../../src/core/failure.ts';

const { config } = loadConfig({ environment: { FORSUN_HTTP_BIND: '127.0.0.1:0' } });

test('the defaults of the settings are those of the rooms they are for', () => {
  const { host: _host, port: _port, ...thrift } = thriftOptions(config);
  expect(thriftDefaults).toMatchObject(thrift);
  expect(httpOptions(config)).toMatchObject(httpDefaults);
  expect(schedulerSettings(config)).toMatchObject({
    planLimits: defaultPlanLimits,
    dispatch: dispatchDefaults,
    retry: retryDefaults,
  });
  expect(storeSettings(config)).toMatchObject({
    policy: defaultPolicy,
    failuresKept: failuresKeptDefault,
  });
  expect(actionSettings(config)).toMatchObject(actionDefaults);
});
