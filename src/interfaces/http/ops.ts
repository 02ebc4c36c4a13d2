import type { Exposition } from '../../metrics/exposition.ts';
import type { Readiness } from '../../metrics/readiness.ts';
import type { Routes } from './door.ts';

/** What those who run the server are told. */
export interface Ops {
  readonly metrics: Exposition;
  readonly readiness: () => Readiness;
}

/**
 * /healthz: the process answers. /readyz: it does its work, or which check says that it does not. Both tell
 * nothing of plans and are for whoever is served; /metrics is for readers.
 */
export const opsRoutes =
  ({ metrics, readiness }: Ops): Routes =>
  (server) => {
    server.get('/healthz', () => ({ healthy: true }));

    server.get('/readyz', (_request, reply) => {
      const state = readiness();
      void reply.code(state.ready ? 200 : 503);
      return state;
    });

    server.get('/metrics', async ({ caller }, reply) => {
      const refusal = caller.refusal({ role: 'read' });
      if (refusal !== undefined) return reply.code(403).type('text/plain').send(refusal);
      return reply.type(metrics.contentType).send(await metrics.text());
    });
  };
