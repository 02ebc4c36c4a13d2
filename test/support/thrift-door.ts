import { silentLog } from '../../src/core/log.ts';
import { type Access, protectedMode } from '../../src/interfaces/access/access.ts';
import {
  listenThrift,
  type ThriftDependencies,
  type ThriftOptions,
  type ThriftServer,
} from '../../src/interfaces/thrift/server.ts';
import { Counters } from '../../src/metrics/counters.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryPlans } from './memory-plans.ts';

/** A Thrift door on a free port, before plans kept in memory. */
export async function openThriftDoor(
  overrides: Partial<ThriftDependencies> = {},
  options: Partial<ThriftOptions> = {},
): Promise<ThriftServer & { readonly counters: Counters; readonly clock: FakeClock }> {
  const counters = new Counters();
  const clock = new FakeClock();
  const access: Access = protectedMode([]);
  const server = await listenThrift(
    { host: '127.0.0.1', port: 0, ...options },
    {
      plans: new MemoryPlans(),
      info: () => new Map([['forsun_version', '0.1.0']]),
      counters,
      clock,
      log: silentLog,
      access,
      ...overrides,
    },
  );
  return { ...server, counters, clock };
}
