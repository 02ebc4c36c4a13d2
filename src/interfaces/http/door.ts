import type { FastifyInstance } from 'fastify';

import type { Log } from '../../core/log.ts';
import type { Clock } from '../../core/time.ts';
import type { Counters } from '../../metrics/counters.ts';
import type { PlanService } from '../../scheduler/plan-service.ts';
import type { Caller } from '../access/caller.ts';
import type { Peer } from '../access/peer.ts';
import type { RefusalForms } from './forms.ts';

/** What the routes of the HTTP bridge serve from. */
export interface HttpDoor {
  readonly plans: PlanService;
  readonly info: () => ReadonlyMap<string, string>;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
  /** For a part that words refusals in its own way. */
  readonly forms: RefusalForms;
}

/** Adds a part of the bridge to its server. */
export type Routes = (server: FastifyInstance, door: HttpDoor) => void;

declare module 'fastify' {
  interface FastifyRequest {
    /** Where this request comes from, and from whom; set before any route is asked. */
    peer: Peer;
    caller: Caller;
  }
}
