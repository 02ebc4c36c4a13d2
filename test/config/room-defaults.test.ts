import { expect, test } from 'vitest';

import { actionDefaults } from '../../src/actions/builtin.ts';
import { loadConfig } from '../../src/config/load.ts';
import { defaultPlanLimits } from '../../src/core/plan-limits.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import { httpDefaults } from '../../src/interfaces/http/settings.ts';
import { thriftDefaults } from '../../src/interfaces/thrift/settings.ts';
import { retryDefaults } from '../../src/scheduler/backoff.ts';
import { dispatchDefaults } from '../../src/scheduler/lanes.ts';
import { failuresKeptDefault } from '../../src/core/failure.ts';

const { thrift, http, plans, scheduler, store, action } = loadConfig({}).config;

test('the defaults of the settings are those of the rooms they are for', () => {
  expect(thriftDefaults).toMatchObject({
    connections: thrift.maxConnections,
    connectionsPerAddress: thrift.maxConnectionsPerPeer,
    callsInFlight: thrift.maxInFlight,
    replyBytes: thrift.maxReplyBytes,
    heldBytes: thrift.maxHeldBytes,
    messageTimeoutMs: thrift.messageTimeoutSeconds * 1000,
    sendTimeoutMs: thrift.writeTimeoutSeconds * 1000,
    wire: {
      messageBytes: thrift.maxMessageBytes,
      stringBytes: thrift.maxStringBytes,
      containerSize: thrift.maxContainerSize,
      depth: thrift.maxDepth,
    },
  });
  expect(httpDefaults).toMatchObject({
    connections: http.maxConnections,
    connectionsPerAddress: http.maxConnectionsPerPeer,
    headerBytes: http.maxHeaderBytes,
    bodyBytes: http.maxBodyBytes,
    replyBytes: http.maxReplyBytes,
    heldBytes: http.maxHeldBytes,
    headerTimeoutMs: http.headerTimeoutSeconds * 1000,
    requestTimeoutMs: http.requestTimeoutSeconds * 1000,
    idleTimeoutMs: http.idleTimeoutSeconds * 1000,
    sendTimeoutMs: http.writeTimeoutSeconds * 1000,
  });
  expect({
    keyBytes: plans.maxKeyBytes,
    params: plans.maxParams,
    paramNameBytes: plans.maxParamNameBytes,
    paramValueBytes: plans.maxParamValueBytes,
    paramsBytes: plans.maxParamsBytes,
  }).toEqual(defaultPlanLimits);
  expect(defaultPolicy).toMatchObject({
    misfireThresholdSeconds: scheduler.misfireThresholdSeconds,
    maxUnfinished: scheduler.maxUnfinished,
  });
  expect(failuresKeptDefault).toBe(store.failuresKept);
  expect(dispatchDefaults).toEqual({
    runs: action.maxRuns,
    held: action.maxHeld,
    queuedPerOrigin: action.maxQueuedPerOrigin,
  });
  expect(retryDefaults).toEqual({
    retries: action.retry.maxCount,
    delaySeconds: action.retry.delaySeconds,
    rate: action.retry.delayRate,
  });
  expect(actionDefaults.shell).toEqual({
    cwd: action.shell.cwd,
    timeoutSeconds: action.shell.timeoutSeconds,
    killGraceSeconds: action.shell.killGraceSeconds,
    maxOutputBytes: action.shell.maxOutputBytes,
    maxRunsPerPlan: action.shell.maxRunsPerPlan,
  });
  expect(actionDefaults.http).toMatchObject({
    maxRunsPerOrigin: action.http.maxRunsPerOrigin,
    connectTimeoutSeconds: action.http.connectTimeoutSeconds,
    requestTimeoutSeconds: action.http.requestTimeoutSeconds,
    maxRedirects: action.http.maxRedirects,
    maxResponseBytes: action.http.maxResponseBytes,
  });
  expect(actionDefaults.redis).toMatchObject(action.redis);
  expect(actionDefaults.thrift).toMatchObject(action.thrift);
  expect(actionDefaults.beanstalk).toMatchObject(action.beanstalk);
  expect(actionDefaults.mysql).toMatchObject(action.mysql);
});
