import { expect, test } from 'vitest';

import { everybody } from '../../../src/interfaces/access/caller.ts';
import { httpDefaults } from '../../../src/interfaces/http/settings.ts';
import { v1Routes } from '../../../src/interfaces/http/v1/routes.ts';
import { v2Routes } from '../../../src/interfaces/http/v2/routes.ts';
import { openV2Door } from '../../support/v2-door.ts';

const params = {
  cmd: 'true',
  env: 'TOKEN=s3cret',
  url: 'http://u:s3cret@host/',
  password: 's3cret',
};

test('no answer shows a secret to a caller that may not see it, not even its own', async () => {
  let seesSecrets = true;
  const door = await openV2Door({
    callerOf: () => ({ ...everybody, seesSecrets }),
    routes: [v1Routes(httpDefaults), v2Routes(httpDefaults)],
  });
  const ask = async (method: string, path: string, body?: unknown): Promise<string> => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = { 'content-type': 'application/json' };
    const response = await door.fetch(path, { method, ...sent, ...(body ? { headers } : {}) });
    expect(response.status).toBeLessThan(300);
    return response.text();
  };
  const soon = { schedule: { in: 60 }, action: 'probe', params };
  const asked: readonly (readonly [method: string, path: string, body?: unknown])[] = [
    ['PUT', '/v2/plans/a', soon],
    ['POST', '/v2/plans', soon],
    ['POST', '/v2/plans:batch', { plans: [{ key: 'b', ...soon }] }],
    ['GET', '/v2/plans/a'],
    ['GET', '/v2/plans'],
    ['GET', '/v2/agenda'],
    ['PUT', '/v1/plan', { key: 'c', second: 60, count: 1, action: 'probe', params }],
    ['POST', '/v1/plan', { key: 'd', second: 5, action: 'probe', params }],
    ['GET', '/v1/plan?key=c'],
    ['GET', `/v1/time?timestamp=${door.clock.now() + 60}`],
    ['DELETE', '/v1/plan?key=c'],
  ];
  for (const request of asked) expect(await ask(...request)).toContain('s3cret');
  seesSecrets = false;
  for (const request of asked) {
    const answer = await ask(...request);
    expect(answer).toContain('[redacted]');
    expect(answer).not.toContain('s3cret');
  }
});
