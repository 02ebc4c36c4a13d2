import { onTestFinished } from 'vitest';

import { everybody } from '../../src/interfaces/access/caller.ts';
import {
  type HttpDependencies,
  type HttpOptions,
  type HttpServer,
  listenHttp,
} from '../../src/interfaces/http/server.ts';
import { httpDefaults } from '../../src/interfaces/http/settings.ts';
import { v1Routes } from '../../src/interfaces/http/v1/routes.ts';
import type { Counters } from '../../src/metrics/counters.ts';
import type { FakeClock } from './fake-clock.ts';
import { doorDeps } from './thrift-door.ts';

export interface OpenHttpDoor extends HttpServer {
  readonly counters: Counters;
  readonly clock: FakeClock;
  readonly port: number;
  /** What fetch answers, of a path such as /v1/ping. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** The HTTP bridge on a free port; closed with its test. */
export async function openHttpDoor(
  overrides: Partial<HttpDependencies> = {},
  options: Partial<HttpOptions> = {},
): Promise<OpenHttpDoor> {
  const deps = doorDeps(overrides);
  const { counters, clock } = deps;
  const server = await listenHttp(
    { host: '127.0.0.1', port: 0, ...options },
    {
      ...deps,
      callerOf: () => everybody,
      routes: [v1Routes({ ...httpDefaults, ...options })],
      ...overrides,
    },
  );
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= server.close());
  onTestFinished(close);
  const { port } = server.address;
  return {
    address: server.address,
    close,
    counters,
    clock,
    port,
    fetch: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
  };
}
