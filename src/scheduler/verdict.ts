import type { Action } from '../actions/action.ts';
import type { LogFields } from '../core/log.ts';
import { policyOf } from '../core/policy.ts';
import { addSeconds } from '../core/time.ts';
import type { Counters } from '../metrics/counters.ts';
import type { Measures } from '../metrics/measures.ts';
import type { Claim, Settlement, Store } from '../stores/store.ts';
import { type RetrySettings, retryDelay } from './backoff.ts';
import type { BoundedLog } from './bounded-log.ts';
import type { Ending } from './run.ts';

export interface VerdictDeps {
  readonly store: Pick<Store, 'now'>;
  readonly counters: Counters;
  readonly measures: Measures;
  readonly log: BoundedLog;
  readonly random: () => number;
  readonly retry: RetrySettings;
}

/**
 * Says what becomes of a firing whose run has ended; counts it and logs what went wrong, once, among what
 * else went wrong with its target.
 */
export class Verdict {
  readonly #deps: VerdictDeps;

  constructor(deps: VerdictDeps) {
    this.#deps = deps;
  }

  /** Undefined: the run was cut by our own stop, so the firing stays in flight for the next start. */
  of(claim: Claim, action: Action, target: string, ending: Ending): Settlement | undefined {
    if (ending.kind === 'stopped') return undefined;
    this.#deps.counters.add('action_executed_count');
    if (ending.kind === 'deadline') {
      const reason = `not done within its deadline of ${ending.seconds} s`;
      return action.retriesDeadline
        ? this.#retry(claim, target, reason)
        : this.failed(claim, target, reason);
    }
    const { outcome } = ending;
    switch (outcome.kind) {
      case 'done':
        this.#deps.measures.ofAction(claim.plan.action).done += 1;
        return { kind: 'done' };
      case 'failed':
        return this.failed(claim, target, outcome.reason);
      case 'retry':
        return this.#retry(claim, target, outcome.reason, outcome.afterSeconds);
      default:
        return outcome satisfies never;
    }
  }

  failed(claim: Claim, target: string, reason: string): Settlement {
    const { counters, log, measures } = this.#deps;
    counters.add('action_executed_error_count');
    measures.ofAction(claim.plan.action).failed += 1;
    log.error(target, 'firing_failed', { ...fields(claim), reason });
    return { kind: 'failed', reason };
  }

  #retry(claim: Claim, target: string, reason: string, afterSeconds?: number): Settlement {
    const { counters, log, measures, random, retry, store } = this.#deps;
    const { failures } = claim.firing;
    const allowed = policyOf(claim.plan.params).retries ?? retry.retries;
    if (failures >= allowed) return this.failed(claim, target, reason);
    const delay = retryDelay(retry, failures, random, afterSeconds);
    counters.add('action_retried_count');
    measures.ofAction(claim.plan.action).retried += 1;
    log.warn(target, 'attempt_failed', { ...fields(claim), reason, retryInSeconds: delay });
    return { kind: 'retry', until: addSeconds(store.now(), delay) };
  }
}

function fields({ plan, firing }: Claim): LogFields {
  const { key, fireTime, trigger, attempt } = firing;
  const which = trigger === undefined ? { fireTime } : { fireTime, trigger };
  return { key, action: plan.action, ...which, attempt };
}
