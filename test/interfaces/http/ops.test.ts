import { fastify, type FastifyInstance } from 'fastify';
import { expect, onTestFinished, test } from 'vitest';

import { type Caller, everybody } from '../../../src/interfaces/access/caller.ts';
import type { HttpDoor } from '../../../src/interfaces/http/door.ts';
import { opsRoutes } from '../../../src/interfaces/http/ops.ts';
import { refusalOf } from '../../../src/interfaces/http/refusal.ts';
import { Exposition } from '../../../src/metrics/exposition.ts';
import { metricsOf } from '../../../src/metrics/metrics.ts';
import { type Readiness, readinessOf } from '../../../src/metrics/readiness.ts';
import { idleSources } from '../../support/idle-metrics.ts';
import { parsePrometheus } from '../../support/prometheus.ts';

const nobody: Caller = {
  name: 'nobody',
  seesSecrets: false,
  refusal: ({ role }) => `nobody may not ${role}`,
  may: () => false,
};

const readinessWith = (storeTrouble: string | undefined): Readiness =>
  readinessOf(
    { storeTrouble, tickAgeSeconds: 0.5, claimLagSeconds: 0.5, loopLagSeconds: 0.01 },
    10,
  );

function serving(readiness: Readiness, caller: Caller = everybody): FastifyInstance {
  const server = fastify();
  onTestFinished(() => server.close());
  server.addHook('onRequest', async (request) => {
    request.caller = caller;
  });
  server.setErrorHandler((error, _request, reply) => {
    void reply.send(refusalOf(error) ?? error);
  });
  const metrics = new Exposition(metricsOf({ ...idleSources(), readiness: () => readiness }));
  opsRoutes({ metrics, readiness: () => readiness })(server, {} as HttpDoor);
  return server;
}

const sound = readinessWith(undefined);
const troubled = readinessWith('the disk is full');

test('/healthz says that the process answers, in whatever state it is', async () => {
  const answer = await serving(troubled).inject('/healthz');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({ healthy: true });
});

test('/readyz is 200 while every check is ok', async () => {
  const answer = await serving(sound).inject('/readyz');
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  expect(answer.json()).toEqual(sound);
});

test('/readyz is 503 when one is not, and says which and why', async () => {
  const answer = await serving(troubled).inject('/readyz');
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toMatchObject({
    ready: false,
    checks: { store: { ok: false, reason: 'the disk is full' }, clock: { ok: true } },
  });
});

test('/metrics is a page of Prometheus’s text format', async () => {
  const answer = await serving(troubled).inject('/metrics');
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  const metrics = parsePrometheus(answer.body);
  expect(metrics.get('forsun_ready')?.samples.get('forsun_ready')).toBe(0);
  expect(metrics.get('forsun_store_writable')?.samples.get('forsun_store_writable')).toBe(0);
});

test('there is nothing but to get', async () => {
  const server = serving(sound);
  for (const url of ['/healthz', '/readyz', '/metrics']) {
    const answer = await server.inject({ method: 'POST', url });
    expect([answer.statusCode, answer.headers['allow']]).toEqual([405, 'GET, HEAD']);
  }
});

test('who may not read gets no metrics, but is told whether the server is ready', async () => {
  const server = serving(troubled, nobody);
  const refused = await server.inject('/metrics');
  expect(refused.statusCode).toBe(403);
  expect(refused.json()).toMatchObject({ message: 'nobody may not read' });
  expect((await server.inject('/healthz')).statusCode).toBe(200);
  const readyz = await server.inject('/readyz');
  expect(readyz.statusCode).toBe(503);
  const ok = { ok: true };
  expect(readyz.json()).toEqual({
    ready: false,
    checks: { store: { ok: false }, clock: ok, due: ok, loop: ok },
  });
});
