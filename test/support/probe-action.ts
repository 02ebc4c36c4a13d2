import type { Action, Outcome, PreparedAction, Run } from '../../src/actions/action.ts';
import { badArgument } from '../../src/core/errors.ts';
import type { Params } from '../../src/core/plan.ts';
import type { Clock, UnixSeconds } from '../../src/core/time.ts';

interface ProbeRun extends Run {
  readonly startedAt: UnixSeconds;
  readonly params: Params;
  end(outcome: Outcome): void;
}

/**
 * An action that notes each run. `target` names its origin, `max_runs` limits its runs; a run of a plan with `hold` lasts until the
 * test ends it, `ignoreAbort` even beyond its deadline; any other ends at once as `outcome` says. One with
 * `breaks` throws before, once `outcome` says so.
 */
export class ProbeAction implements Action {
  readonly name = 'probe';
  readonly timeoutSeconds = 60;
  readonly retriesDeadline = true;
  readonly maxRunsPerOrigin: number;
  readonly runs: ProbeRun[] = [];
  outcome: Outcome | 'throw' = { kind: 'done' };
  thrown: unknown = new Error('a bug in the action');
  readonly #clock: Clock;

  constructor(clock: Clock, maxRunsPerOrigin = 64) {
    this.#clock = clock;
    this.maxRunsPerOrigin = maxRunsPerOrigin;
  }

  prepare(params: Params): PreparedAction {
    if (params.has('refuse')) throw badArgument('probe refuses');
    if (params.has('breaks') && this.outcome === 'throw') throw this.thrown;
    const origin = params.get('target');
    const maxRuns = params.get('max_runs');
    return {
      ...(origin === undefined ? {} : { origin }),
      ...(maxRuns === undefined ? {} : { maxRuns: Number(maxRuns) }),
      run: (run) => this.#start(run, params),
    };
  }

  /** What has run so far, as `key@second` relative to the start. */
  fired(since: UnixSeconds): readonly string[] {
    return this.runs.map(({ key, fireTime }) => `${key}@${fireTime - since}`);
  }

  #start(run: Run, params: Params): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.runs.push({ ...run, params, startedAt: this.#clock.now(), end: resolve });
      if (params.has('hold')) {
        if (params.get('hold') === 'ignoreAbort') return;
        run.signal.addEventListener('abort', () => resolve({ kind: 'failed', reason: 'aborted' }));
      } else if (this.outcome === 'throw') {
        reject(this.thrown);
      } else {
        resolve(this.outcome);
      }
    });
  }
}
