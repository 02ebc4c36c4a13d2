import type { AddressInfo } from 'node:net';

import type { Config } from '../config/schema.ts';
import type { Access } from '../interfaces/access/access.ts';
import type { TlsFiles } from '../interfaces/access/tls-files.ts';
import { bearers } from '../interfaces/http/bearer.ts';
import type { HttpDoor } from '../interfaces/http/door.ts';
import { opsRoutes } from '../interfaces/http/ops.ts';
import { listenHttp } from '../interfaces/http/server.ts';
import { v1Routes } from '../interfaces/http/v1/routes.ts';
import { v2Routes } from '../interfaces/http/v2/routes.ts';
import { Exposition } from '../metrics/exposition.ts';
import { LoopLag } from '../metrics/loop-lag.ts';
import { type MetricSources, metricsOf } from '../metrics/metrics.ts';
import { type Readiness, readinessOf } from '../metrics/readiness.ts';
import type { Closers } from '../runtime/closers.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { Store } from '../stores/store.ts';
import { httpOptions } from './room-settings.ts';

export interface BridgeDeps extends Omit<HttpDoor, 'forms'>, Omit<MetricSources, 'readiness'> {
  readonly access: Access;
  readonly tls: TlsFiles | undefined;
  readonly store: Store;
  readonly scheduler: Scheduler;
}

/** Opens the HTTP bridge, with what those who run the server are told there; undefined: there is to be none. */
export async function openBridge(
  config: Config,
  deps: BridgeDeps,
  closers: Closers,
): Promise<AddressInfo | undefined> {
  const options = httpOptions(config);
  if (options === undefined) return undefined;
  const { clock, measures, access, store, scheduler } = deps;
  const loopLag = new LoopLag(clock, measures.loopLag);
  loopLag.start();
  closers.add(() => loopLag.stop());
  const readiness = (): Readiness =>
    readinessOf(
      {
        storeTrouble: store.trouble?.(),
        ...scheduler.pulse(),
        loopLagSeconds: loopLag.recentSeconds(),
      },
      config.http.readyMaxLagSeconds,
    );
  const metrics = new Exposition(metricsOf({ ...deps, readiness }));
  const http = await listenHttp(options, {
    ...deps,
    callerOf: bearers(access),
    routes: [v1Routes(options), v2Routes(options), opsRoutes({ metrics, readiness })],
  });
  closers.add(() => http.close());
  return http.address;
}
