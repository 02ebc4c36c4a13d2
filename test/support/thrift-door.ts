import { silentLog } from '../../src/core/log.ts';
import { type Access, type AccessRules, createAccess } from '../../src/interfaces/access/access.ts';
import { Complaints } from '../../src/interfaces/complaints.ts';
import {
  listenThrift,
  type ThriftDependencies,
  type ThriftOptions,
  type ThriftServer,
} from '../../src/interfaces/thrift/server.ts';
import { Counters } from '../../src/metrics/counters.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryPlans } from './memory-plans.ts';

/** Who is served when the rules say nothing: this machine, as admin. */
export const anAccess = (
  rules: Partial<AccessRules> = {},
  { clock = new FakeClock(), counters = new Counters(), log = silentLog } = {},
): Access =>
  createAccess(
    { trustedNetworks: [], anonymousRole: 'admin', ...rules },
    { clock, counters, complaints: new Complaints(log, clock) },
  );

/** Meets every peer with one refusal. */
export const refusing = (text: string): Access => ({
  admit: () => ({ ...anAccess().admit(nearby), refusal: text }),
});

export const nearby = { address: '127.0.0.1', isEncrypted: false, hasCertificate: false };

/** What any door is opened with, before plans kept in memory. */
export function doorDeps({ counters = new Counters() }: { readonly counters?: Counters } = {}) {
  const clock = new FakeClock();
  return {
    plans: new MemoryPlans(),
    info: () => new Map([['forsun_version', '0.1.0']]),
    counters,
    clock,
    log: silentLog,
    access: anAccess({}, { clock, counters }),
  };
}

/** A Thrift door on a free port. */
export async function openThriftDoor(
  overrides: Partial<ThriftDependencies> = {},
  options: Partial<ThriftOptions> = {},
): Promise<ThriftServer & { readonly counters: Counters; readonly clock: FakeClock }> {
  const deps = doorDeps(overrides);
  const { counters, clock } = deps;
  const server = await listenThrift(
    { host: '127.0.0.1', port: 0, ...options },
    { ...deps, ...overrides },
  );
  return { ...server, counters, clock };
}
