import {
  type Action,
  isOutcome,
  type Outcome,
  type PreparedAction,
  type Run,
} from '../actions/action.ts';
import { ForsunError, quote } from '../core/errors.ts';
import type { Params } from '../core/plan.ts';
import { thrownText } from '../core/thrown-text.ts';
import { ExtensionError, type Step } from './extension-error.ts';
import { blockedMs, closing, runStep, type StepDeps } from './step.ts';
import { withoutSecrets } from './without-secrets.ts';

/** Whom an origin names is whatever it says; its length is ours to limit, for it is stored. */
const maxOriginLength = 512;
/** The longest wait that a retry may ask for: a time far beyond any calendar is one that no store keeps. */
const maxAfterSeconds = 366 * 86_400;

/** An extension's action, of which a mistake costs its own plans only, and is told under its name. */
export function guardedAction(extension: string, action: Action, deps: StepDeps): Action {
  const { clock, log, guests } = deps;
  const { name, maxRunsPerOrigin, timeoutSeconds, retriesDeadline, verbatimParams } = action;

  /** Up to its first wait nobody else gets a turn. */
  const work = <T>(step: 'prepare' | 'run', call: () => T): T => {
    const start = clock.monotonicMs();
    try {
      return guests.work(extension, call);
    } finally {
      const ms = Math.round(clock.monotonicMs() - start);
      if (ms >= blockedMs)
        log.warn('extension_blocked_server', { extension, step, action: name, ms });
    }
  };

  /** The run with a signal of its own, which aborts as the server's: what its listeners throw is theirs. */
  const runWith = async (prepared: PreparedAction, given: Run): Promise<unknown> => {
    const own = new AbortController();
    const abort = (): void => work('run', () => own.abort(given.signal.reason));
    if (given.signal.aborted) abort();
    given.signal.addEventListener('abort', abort);
    try {
      return await work('run', () => prepared.run({ ...given, signal: own.signal }));
    } finally {
      given.signal.removeEventListener('abort', abort);
    }
  };

  const tell = (step: 'prepare' | Step, reason: string): void =>
    log.error('extension_broke', { extension, step, action: name, reason });

  const prepare = (params: Params): PreparedAction => {
    try {
      // A copy: the plan keeps its params as they are.
      return judged(work('prepare', () => action.prepare(new Map(params))));
    } catch (error) {
      if (error instanceof ForsunError) throw error;
      tell('prepare', thrownText(error, withoutSecrets(params)));
      // The client learns whose mistake it is; what else the error says is for the log.
      throw new ForsunError(
        'unknown',
        `the extension ${quote(extension)} broke when its action ${name} looked at these params`,
      );
    }
  };

  return {
    ...{ name, maxRunsPerOrigin, timeoutSeconds, retriesDeadline },
    ...(verbatimParams === undefined ? {} : { verbatimParams }),
    prepare(params) {
      const prepared = prepare(params);
      const { origin, maxRuns } = prepared;
      return {
        ...(origin === undefined ? {} : { origin: ownOrigin(name, origin) }),
        ...(maxRuns === undefined ? {} : { maxRuns }),
        async run(given): Promise<Outcome> {
          const broken = (what: string): Outcome => ({
            kind: 'failed',
            reason: `the extension ${extension} broke: ${what}`,
          });
          try {
            const outcome = judgedOutcome(await runWith(prepared, given));
            return outcome ?? broken('its answer is no outcome');
          } catch (error) {
            return broken(thrownText(error, withoutSecrets(params)));
          }
        },
      };
    },
    async close() {
      try {
        await runStep(extension, 'close', () => action.close?.(), closing(deps));
      } catch (error) {
        if (!(error instanceof ExtensionError)) throw error;
        tell('close', error.reason);
      }
    },
  };
}

/** No action takes up the room of another's targets. */
const ownOrigin = (action: string, origin: string): string =>
  origin.startsWith(`${action}:`) ? origin : `${action}:${origin}`;

/** What prepare has answered, each member read once: it may be anything, and another each time. */
function judged(prepared: Partial<PreparedAction> | null | undefined): PreparedAction {
  if (typeof prepared !== 'object' || prepared === null) throw notPrepared();
  const { origin, maxRuns, run } = prepared;
  if (typeof run !== 'function') throw notPrepared();
  if (origin !== undefined && !isOrigin(origin)) {
    throw new Error(`its origin is no text of 1 to ${maxOriginLength} characters`);
  }
  if (maxRuns !== undefined && !(Number.isInteger(maxRuns) && maxRuns > 0)) {
    throw new Error('its maxRuns is no whole number above 0');
  }
  return {
    ...(origin === undefined ? {} : { origin }),
    ...(maxRuns === undefined ? {} : { maxRuns }),
    run: (given) => run.call(prepared, given),
  };
}

const notPrepared = (): Error => new Error('prepare answered nothing that can run');

const isOrigin = (origin: unknown): boolean =>
  typeof origin === 'string' && origin !== '' && origin.length <= maxOriginLength;

/** The outcome, each member read once; undefined when it is none. */
function judgedOutcome(answer: unknown): Outcome | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { kind, reason, afterSeconds } = answer as Partial<Record<string, unknown>>;
  const outcome: unknown = {
    kind,
    reason,
    ...(afterSeconds === undefined ? {} : { afterSeconds }),
  };
  if (!isOutcome(outcome)) return undefined;
  if (outcome.kind !== 'retry' || outcome.afterSeconds === undefined) return outcome;
  return { ...outcome, afterSeconds: Math.min(outcome.afterSeconds, maxAfterSeconds) };
}
