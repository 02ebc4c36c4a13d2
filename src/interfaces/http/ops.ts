import type { FastifyInstance } from 'fastify';

import type { Exposition } from '../../metrics/exposition.ts';
import type { Readiness } from '../../metrics/readiness.ts';
import { permit } from './bearer.ts';
import type { Routes } from './door.ts';
import { addWithOtherMethods } from './other-methods.ts';

/** What those who run the server are told. */
export interface Ops {
  readonly metrics: Exposition;
  readonly readiness: () => Readiness;
}

/**
 * /healthz: the process answers. /readyz: it does its work, or which check says that it does not. Both are
 * for whoever is served; /metrics, and why a check says no, which may name files, are for readers.
 */
export const opsRoutes =
  (ops: Ops): Routes =>
  (server) =>
    addWithOtherMethods(server, (routes) => addRoutes(routes, ops));

function addRoutes(server: FastifyInstance, { metrics, readiness }: Ops): void {
  server.get('/healthz', () => ({ healthy: true }));

  server.get('/readyz', ({ caller }, reply) => {
    const state = readiness();
    void reply.code(state.ready ? 200 : 503);
    return caller.may({ role: 'read' }) ? state : withoutReasons(state);
  });

  server.get('/metrics', async (request, reply) => {
    permit(request, { role: 'read' });
    return reply.type(metrics.contentType).send(await metrics.text());
  });
}

const withoutReasons = ({ ready, checks }: Readiness): object => ({
  ready,
  checks: Object.fromEntries(Object.entries(checks).map(([name, { ok }]) => [name, { ok }])),
});
